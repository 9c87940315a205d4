import { type Attachment, attachmentsOf, type Draft } from './draft.ts';

/**
 * Networks of a container in the order of their interfaces: those of the stack file first, of these higher priority
 * first, then by key.
 */
export function orderedNetworks(
  draft: Pick<Draft, 'attachments' | 'spec'>,
): readonly (readonly [string, Attachment])[] {
  return Object.entries(attachmentsOf(draft)).sort(
    ([leftKey, left], [rightKey, right]) =>
      Number(left.byHand ?? false) - Number(right.byHand ?? false) ||
      right.priority - left.priority ||
      (leftKey < rightKey ? -1 : 1),
  );
}

/**
 * Names of a container's interfaces by network: as asked for, else `eth0`, `eth1`, … in order, or with what `prefixes`
 * has for the network instead of `eth`. A container that stays keeps its names when it joins or leaves another network,
 * so that its connections survive; unless priorities forbid.
 */
export function interfaceNames(draft: Draft, prefixes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const networks = orderedNetworks(draft);
  const request = { networks, prefixOf: (network: string) => prefixes.get(network) ?? 'eth' };
  if (stays(draft)) {
    const present = (draft.observed?.endpoints ?? []).map((each) => [each.network, each.containerInterface] as const);
    const kept = assignNames(request, new Map(present));
    if (respectsPriorities(request, kept)) return kept;
  }
  return assignNames(request, new Map());
}

/** Whether the container goes on as it is, perhaps updated. */
export function stays(draft: Draft): boolean {
  return draft.action === 'keep' || draft.action === 'update';
}

interface NameRequest {
  readonly networks: ReturnType<typeof orderedNetworks>;
  readonly prefixOf: (network: string) => string;
}

function assignNames(
  { networks, prefixOf }: NameRequest,
  present: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
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
    if (numberOf(name, prefixOf(network)) !== undefined) assign(network, name);
  }
  const next = new Map<string, number>();
  for (const [network] of networks) {
    const prefix = prefixOf(network);
    while (!names.has(network)) {
      const number = next.get(prefix) ?? 0;
      assign(network, `${prefix}${number}`);
      next.set(prefix, number + 1);
    }
  }
  return names;
}

/** `1` of `eth1`; undefined: no name of that kind. */
function numberOf(name: string, prefix: string): number | undefined {
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

/** A network of higher priority has a lower number. */
function respectsPriorities({ networks, prefixOf }: NameRequest, names: ReadonlyMap<string, string>): boolean {
  const numbered = networks.filter(
    ([, { interfaceName, byHand }]) => interfaceName === undefined && byHand === undefined,
  );
  const number = (network: string): number => numberOf(names.get(network) ?? '', prefixOf(network)) ?? 0;
  const byNumber = [...numbered].sort(([left], [right]) => number(left) - number(right));
  return byNumber.every(([, { priority }], index) => priority <= (byNumber[index - 1]?.[1].priority ?? priority));
}
