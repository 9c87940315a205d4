import { performStep, SILENT } from '../executor/perform-step.ts';
import { ociSpecText } from '../executor/start.ts';
import { rootFilesystem } from '../image/image.ts';
import { TsstackError } from '../model/error.ts';
import type { Stack } from '../model/stack.ts';
import type { Engine } from './engine.ts';
import { makeUpPlan, refuseConflicts, type UpPlanOptions } from './plan.ts';

export interface OciSpecOptions extends Pick<UpPlanOptions, 'load' | 'pulls' | 'builds'> {
  readonly service: string;
  readonly index: number;
}

/**
 * The config.json that a service's container would be started with by an OCI runtime, whatever starts it now. Nothing is
 * changed, but that layers of an image that is there are unpacked into the store. Throws `not-found` for a replica that
 * the stack has not, `conflict` for what `up` would refuse, `image-missing`.
 */
export async function ociSpec(engine: Engine, stack: Stack, options: OciSpecOptions): Promise<string> {
  const { service, index, ...wanted } = options;
  if (stack.services[service] === undefined) {
    throw new TsstackError('not-found', `Stack "${stack.name}" has no service "${service}"`, {
      hint: `It has ${Object.keys(stack.services).join(', ')}`,
    });
  }
  const plan = await makeUpPlan(engine, stack, {
    ...wanted,
    forceRecreate: true,
    noDeps: true,
    removeOrphans: false,
  });
  refuseConflicts(plan);
  const lacking = [...(plan.pulls ?? []), ...(plan.builds ?? [])];
  if (lacking.length > 0) {
    throw new TsstackError('not-found', `Image ${lacking.join(', ')} is not on this machine`, {
      hint: 'Fetch it first: tsstack pull, or tsstack build',
    });
  }
  const executor = { ...engine.executorOf(plan), emit: () => undefined };
  for (const step of plan.steps) {
    if (step.type !== 'unpack-image') continue;
    await performStep(step, executor, { ...SILENT, signal: new AbortController().signal });
  }
  const start = plan.steps.find(
    (step) => step.type === 'start-container' && step.spec.key.service === service && step.spec.key.index === index,
  );
  if (start?.type !== 'start-container') {
    throw new TsstackError('not-found', `Service "${service}" has no replica ${index}`);
  }
  const { source, id } = start.spec.image;
  return ociSpecText(engine.machine, start.spec, await rootFilesystem(engine.machine, source, id));
}
