import type { Endpoint, PublishedPort } from '../model/container.ts';
import type { ObservedContainer } from '../model/observed.ts';
import { type Draft, observedKey, type Removal, replaceDraft } from './draft.ts';
import { walkGraph } from './order.ts';
import { hostIpsOverlap } from './port-claims.ts';

/** By container (`web.1`): the containers whose address, host port or name it takes over. They must let go first. */
export type Handover = ReadonlyMap<string, readonly string[]>;

/**
 * Finds who takes over what from whom. Containers that exchange something in a circle can't be updated in place one
 * after the other: one of each circle is replaced, since that lets go before it takes.
 */
export function planHandover(drafts: readonly Draft[], removals: readonly Removal[]): Handover {
  const changed = drafts.filter(({ action }) => action !== 'keep');
  if (changed.length === 0) return new Map();
  const holders = holderIndex([
    ...drafts.flatMap(({ observed }) => observed ?? []),
    ...removals.map((each) => each.observed),
  ]);
  const handover = new Map<string, readonly string[]>();
  for (const draft of changed) {
    const sources = sourcesOf(draft, holders);
    if (sources.length > 0) handover.set(observedKey(draft.spec), sources);
  }
  const updates = new Map(
    changed.filter(({ action }) => action === 'update').map((draft) => [observedKey(draft.spec), draft]),
  );
  const graph = new Map([...updates.keys()].map((key) => [key, handover.get(key) ?? []]));
  for (const [, target] of walkGraph(graph).backEdges) {
    const draft = updates.get(target);
    if (draft !== undefined) replaceDraft(draft, 'exchanges an address or a port with another container');
  }
  return handover;
}

interface Holders {
  readonly addresses: ReadonlyMap<string, string>;
  readonly names: ReadonlyMap<string, string>;
  readonly ports: ReadonlyMap<string, readonly { readonly port: PublishedPort; readonly container: string }[]>;
}

function holderIndex(containers: readonly ObservedContainer[]): Holders {
  const addresses = new Map<string, string>();
  const names = new Map<string, string>();
  const ports = new Map<string, { readonly port: PublishedPort; readonly container: string }[]>();
  for (const { spec, endpoints, ports: published } of containers) {
    const container = observedKey(spec);
    names.set(spec.name, container);
    for (const endpoint of endpoints) for (const address of addressesOf(endpoint)) addresses.set(address, container);
    for (const port of published) {
      const key = `${port.protocol}/${port.hostPort}`;
      ports.set(key, [...(ports.get(key) ?? []), { port, container }]);
    }
  }
  return { addresses, names, ports };
}

function addressesOf(endpoint: Endpoint): readonly string[] {
  return [endpoint.ipv4, endpoint.ipv6].flatMap((address) => (address ? `${endpoint.networkName} ${address}` : []));
}

function sourcesOf({ spec, endpoints, ports }: Draft, holders: Holders): readonly string[] {
  const self = observedKey(spec);
  const sources = new Set<string | undefined>([holders.names.get(spec.name)]);
  for (const endpoint of endpoints) {
    for (const address of addressesOf(endpoint)) sources.add(holders.addresses.get(address));
  }
  for (const port of ports) {
    for (const holder of holders.ports.get(`${port.protocol}/${port.hostPort}`) ?? []) {
      if (hostIpsOverlap(holder.port.hostIp, port.hostIp)) sources.add(holder.container);
    }
  }
  return [...sources].flatMap((source) => (source === undefined || source === self ? [] : source)).sort();
}
