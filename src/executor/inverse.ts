import type { Step } from '../model/plan.ts';
import type { ContainerRecord } from '../store/records.ts';

/** What the records said before the step. */
export interface Before {
  readonly container: ContainerRecord | undefined;
  readonly networkKnown: boolean;
}

/**
 * The step that undoes a step, or undefined where there is nothing to undo. Volumes and images stay: data is never
 * destroyed unasked. A removed container comes back as it was made, with its volumes; its own files are lost with it.
 */
export function inverseStep(step: Step, before: Before): Step | undefined {
  const { address, replica } = step;
  const own = replica === undefined ? {} : { replica };
  const base = { address, ...own, cause: 'undone', dependsOn: [], id: `undo ${step.id}` };
  switch (step.type) {
    case 'unpack-image':
    case 'watch-container':
    case 'await-container':
    case 'drain-container':
    case 'next-batch':
    case 'create-volume':
    case 'remove-volume':
      return undefined;
    case 'create-network':
      // One that was there was only repaired.
      return before.networkKnown ? undefined : { ...base, type: 'remove-network', network: step.network };
    case 'remove-network':
      return { ...base, type: 'create-network', network: step.network };
    case 'create-container':
      return {
        ...base,
        type: 'remove-container',
        spec: step.spec,
        endpoints: step.endpoints,
        ports: step.ports,
        keepVolumes: true,
      };
    case 'remove-container': {
      const { spec, endpoints, ports } = step;
      // It has done its work.
      if (spec.oneOff?.preStart !== undefined) return undefined;
      const role = before.container?.role;
      return { ...base, type: 'create-container', spec, endpoints, ports, ...(role !== undefined && { role }) };
    }
    case 'switch-container':
      return { ...base, type: 'switch-container', spec: step.before, before: step.spec };
    case 'start-container':
      return {
        ...base,
        type: 'stop-container',
        spec: step.spec,
        timeoutMs: step.spec.stopGracePeriodMs,
        whateverHooksSay: true,
      };
    case 'stop-container':
      return { ...base, type: 'start-container', spec: step.spec, waitFor: [] };
    case 'update-container':
      return before.container === undefined
        ? undefined
        : {
            ...base,
            type: 'update-container',
            before: step.spec,
            spec: before.container.spec,
            endpoints: before.container.endpoints,
            ports: before.container.ports,
            fields: [],
            repair: [],
            had: { endpoints: step.endpoints, ports: step.ports },
          };
  }
}
