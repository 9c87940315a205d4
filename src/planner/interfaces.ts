import type { ContainerSpec } from '../model/container.ts';
import type { NetworkAttachment } from '../model/stack.ts';
import type { Draft } from './draft.ts';

/** Networks of a container in the order of their interfaces: higher priority first, then by key. */
export function orderedNetworks(spec: ContainerSpec): readonly (readonly [string, NetworkAttachment])[] {
  return Object.entries(spec.networks).sort(
    ([leftKey, left], [rightKey, right]) => right.priority - left.priority || (leftKey < rightKey ? -1 : 1),
  );
}

/**
 * Names of a container's interfaces by network: as asked for, else `eth0`, `eth1`, … in order. A container that stays
 * keeps its names when it joins or leaves another network, so that its connections survive; unless priorities changed.
 */
export function interfaceNames(draft: Draft): ReadonlyMap<string, string> {
  const networks = orderedNetworks(draft.spec);
  const names = new Map<string, string>();
  const used = new Set<string>();
  const assign = (network: string, name: string): void => {
    if (names.has(network) || used.has(name)) return;
    names.set(network, name);
    used.add(name);
  };
  for (const [network, { interfaceName }] of networks) if (interfaceName !== undefined) assign(network, interfaceName);
  if (keepsInterfaces(draft)) {
    for (const endpoint of draft.observed?.endpoints ?? []) {
      const attachment = draft.spec.networks[endpoint.network];
      if (
        attachment !== undefined &&
        attachment.interfaceName === undefined &&
        /^eth\d+$/.test(endpoint.containerInterface)
      ) {
        assign(endpoint.network, endpoint.containerInterface);
      }
    }
  }
  let next = 0;
  for (const [network] of networks) {
    while (!names.has(network)) {
      assign(network, `eth${next}`);
      next += 1;
    }
  }
  return names;
}

function keepsInterfaces({ action, observed, spec }: Draft): boolean {
  if (observed === undefined || action === 'create' || action === 'replace') return false;
  return Object.entries(observed.spec.networks).every(
    ([network, { priority }]) => (spec.networks[network]?.priority ?? priority) === priority,
  );
}
