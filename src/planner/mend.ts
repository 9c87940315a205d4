import { networkAddress } from '../model/address.ts';
import type { Drift, ObservedContainer, ObservedState } from '../model/observed.ts';
import type { Step } from '../model/plan.ts';
import { addressOf } from './draft.ts';
import { stepId } from './step-id.ts';

const MENDED = ['resources', 'network', 'shape', 'cuts', 'ports'] as const;

/** Makes networks again that these containers are on and that are lost: a reboot leaves none. */
export function mendNetworks(
  containers: readonly Pick<ObservedContainer, 'endpoints'>[],
  networks: ObservedState['networks'],
): Step[] {
  const used = new Set(containers.flatMap(({ endpoints }) => endpoints.map(({ networkName }) => networkName)));
  return Object.values(networks).flatMap(({ spec, owned = spec, drift }): Step[] => {
    if (drift.length === 0 || !used.has(spec.name)) return [];
    const address = networkAddress(spec.key);
    const id = stepId('create', address);
    return [{ type: 'create-network', id, address, cause: causeOf(drift), dependsOn: [], network: owned }];
  });
}

/** What of a container that need not run is to be made again. */
export function repairsOf({ drift }: Pick<ObservedContainer, 'drift'>): readonly (typeof MENDED)[number][] {
  return MENDED.filter((kind) => drift.some((each) => each.kind === kind));
}

/** Mends what containers that are about to be started have lost: cgroups, namespaces, interfaces. */
export function mendContainers(containers: readonly ObservedContainer[]): Step[] {
  return containers.flatMap((container): Step[] => {
    const { spec, endpoints, ports, drift } = container;
    const repair = repairsOf(container);
    if (repair.length === 0) return [];
    const address = addressOf(spec);
    const dependsOn = endpoints.map(({ network }) => stepId('create', networkAddress(network)));
    const step = { id: stepId('update', address), address, cause: causeOf(drift), dependsOn };
    return [{ type: 'update-container', ...step, before: spec, spec, endpoints, ports, fields: [], repair }];
  });
}

function causeOf(drift: readonly Drift[]): string {
  return drift[0]?.message ?? '';
}
