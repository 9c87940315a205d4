/** What our table holds that is not the same on every machine. */
export interface TableState {
  readonly bridges: ReadonlySet<string>;
  /** See `NetworkState.publishedPorts`. */
  readonly publishedPorts: ReadonlyMap<string, string>;
}

/** Hosts' addresses of maps whose keys hold none. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { ports4: '*', ports6: '::' };

/** Reads `nft -j list table inet tsstack`; nothing (no such table) is an empty one. */
export function parseTable(json: unknown): TableState {
  const bridges = new Set<string>();
  const publishedPorts = new Map<string, string>();
  for (const entry of list(field(json, 'nftables'))) {
    const set = field(entry, 'set') ?? field(entry, 'map');
    const name = field(set, 'name');
    for (const element of list(field(set, 'elem'))) {
      if (name === 'bridges' && typeof element === 'string') bridges.add(element);
      if (typeof name === 'string' && /^ports[46](_at)?$/.test(name)) {
        const [key, value] = list(element).map((part) => list(field(part, 'concat')).map(String));
        if (key === undefined || value === undefined) continue;
        publishedPorts.set(formatKey(name, key), value.join(' '));
      }
    }
  }
  return { bridges, publishedPorts };
}

/** The maps' keys are `[address .] protocol . port`. */
function formatKey(map: string, key: readonly string[]): string {
  const [port = '', protocol = '', address = ANY_ADDRESS[map] ?? ''] = key.toReversed();
  return `${protocol} ${address} ${port}`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
