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
 * keeps its names when it joins or leaves another network, so that its connections survive; unless priorities forbid.
 */
export function interfaceNames(draft: Draft): ReadonlyMap<string, string> {
  const networks = orderedNetworks(draft.spec);
  if (stays(draft)) {
    const present = (draft.observed?.endpoints ?? []).map((each) => [each.network, each.containerInterface] as const);
    const kept = assignNames(networks, new Map(present));
    if (respectsPriorities(networks, kept)) return kept;
  }
  return assignNames(networks, new Map());
}

/** Whether the container goes on as it is, perhaps updated. */
export function stays(draft: Draft): boolean {
  return draft.action === 'keep' || draft.action === 'update';
}

type OrderedNetworks = ReturnType<typeof orderedNetworks>;

function assignNames(networks: OrderedNetworks, present: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const used = new Set<string>();
  const assign = (network: string, name: string): void => {
    if (names.has(network) || used.has(name)) return;
    names.set(network, name);
    used.add(name);
  };
  for (const [network, { interfaceName }] of networks) if (interfaceName !== undefined) assign(network, interfaceName);
  for (const [network] of networks) {
    const name = present.get(network) ?? '';
    if (/^eth\d+$/.test(name)) assign(network, name);
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

/** A network of higher priority has a lower number. */
function respectsPriorities(networks: OrderedNetworks, names: ReadonlyMap<string, string>): boolean {
  const numbered = networks.filter(([, { interfaceName }]) => interfaceName === undefined);
  const number = (network: string): number => Number(names.get(network)?.slice('eth'.length));
  const byNumber = [...numbered].sort(([left], [right]) => number(left) - number(right));
  return byNumber.every(([, { priority }], index) => priority <= (byNumber[index - 1]?.[1].priority ?? priority));
}
