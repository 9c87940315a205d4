/** What our tables hold that is not the same on every machine. */
export interface TableState {
  readonly bridges: ReadonlySet<string>;
  /** See `NetworkState.publishedPorts`. */
  readonly publishedPorts: ReadonlyMap<string, string>;
  /** Members of the other sets: `gateways4 ts-front-x . 10.1.2.1`. */
  readonly members: ReadonlySet<string>;
  /** Number of rules by table and chain: `inet tsstack forward`. */
  readonly rules: ReadonlyMap<string, number>;
}

/** Hosts' addresses of maps whose keys hold none. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { ports4: '*', ports6: '::' };

/** Reads what `nft -j list table` says of our tables; nothing (no such table) is an empty one. */
export function parseTables(tables: readonly unknown[]): TableState {
  const bridges = new Set<string>();
  const publishedPorts = new Map<string, string>();
  const members = new Set<string>();
  const rules = new Map<string, number>();
  for (const entry of tables.flatMap((json) => list(field(json, 'nftables')))) {
    const rule = field(entry, 'rule');
    const chain = ['family', 'table', 'chain'].map((name) => String(field(rule, name))).join(' ');
    if (rule !== undefined) rules.set(chain, (rules.get(chain) ?? 0) + 1);
    const set = field(entry, 'set') ?? field(entry, 'map');
    const name = field(set, 'name');
    for (const element of list(field(set, 'elem'))) {
      members.add(`${String(name)} ${formatMember(element)}`);
      if (name === 'bridges' && typeof element === 'string') bridges.add(element);
      if (typeof name === 'string' && /^ports[46](_at)?$/.test(name)) {
        const [key, value] = list(element).map((part) => list(field(part, 'concat')).map(String));
        if (key === undefined || value === undefined) continue;
        publishedPorts.set(formatKey(name, key), value.join(' '));
      }
    }
  }
  return { bridges, publishedPorts, members, rules };
}

/** As in a script, without the quotes: `ts-front-x . 10.1.2.0/24`. */
function formatMember(element: unknown): string {
  const parts = field(element, 'concat') ?? element;
  return (Array.isArray(parts) ? parts : [parts])
    .map((part) => {
      const prefix = field(part, 'prefix');
      return prefix === undefined ? String(part) : `${String(field(prefix, 'addr'))}/${String(field(prefix, 'len'))}`;
    })
    .join(' . ');
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
