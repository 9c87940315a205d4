import type { Path, SpecNode } from './node.ts';
import { parseVolume } from './volume-text.ts';

type Indexer = (node: SpecNode) => string | undefined;

/** Indexers along the keys of a stack file; `*` is a name of the user's choice. */
export interface UniqueRules {
  readonly [key: string]: UniqueRules | Indexer;
}

/** What makes two items of a list the same; the later one wins, in the place of the earlier. */
export const uniqueRules: UniqueRules = {
  networks: { '*': { labels: name, ipam: { options: name } } },
  services: {
    '*': {
      annotations: name,
      build: { args: name, additional_contexts: name, tags: name, labels: name },
      cap_add: name,
      cap_drop: name,
      configs: fileMount(''),
      deploy: { labels: name },
      devices: deviceTarget,
      dns: name,
      dns_opt: name,
      dns_search: name,
      environment: name,
      env_file: (node) => field(node, 'path') ?? text(node),
      expose: text,
      labels: name,
      links: name,
      networks: { '*': { aliases: name, link_local_ips: name } },
      ports: port,
      profiles: name,
      secrets: fileMount('/run/secrets'),
      sysctls: name,
      tmpfs: name,
      volumes: volumeTarget,
    },
  },
};

/** What makes two items of the list at a path the same, if anything does. */
export function indexerAt(path: Path): Indexer | undefined {
  let rules: UniqueRules | Indexer | undefined = uniqueRules;
  for (const step of path) {
    if (typeof rules !== 'object') return undefined;
    rules = rules['*'] ?? (Object.hasOwn(rules, step) ? rules[step] : undefined);
  }
  return typeof rules === 'function' ? rules : undefined;
}

/** The items, each once by what `indexer` says of it; the same list if no two are the same. */
export function uniqueItems(items: readonly SpecNode[], indexer: Indexer): readonly SpecNode[] {
  if (items.length < 2) return items;
  const places = new Map<string, number>();
  const result: SpecNode[] = [];
  for (const item of items) {
    const key = indexer(item);
    const place = key === undefined ? undefined : places.get(key);
    if (place !== undefined) result[place] = item;
    else {
      if (key !== undefined) places.set(key, result.length);
      result.push(item);
    }
  }
  return result.length === items.length ? items : result;
}

function text(node: SpecNode): string | undefined {
  return node.kind === 'scalar' && node.value !== null ? String(node.value) : undefined;
}

function name(node: SpecNode): string | undefined {
  return text(node)?.split('=', 1)[0];
}

function field(node: SpecNode, key: string): string | undefined {
  const value = node.kind === 'map' ? node.entries.get(key)?.node : undefined;
  return value === undefined ? undefined : text(value);
}

function volumeTarget(node: SpecNode): string | undefined {
  const short = text(node);
  return short === undefined ? field(node, 'target') : parseVolume(short).volume?.target;
}

function deviceTarget(node: SpecNode): string | undefined {
  const short = text(node)?.split(':');
  return short === undefined ? field(node, 'target') : (short[1] ?? short[0]);
}

function fileMount(folder: string): Indexer {
  return (node) => {
    const short = text(node);
    if (short !== undefined) return `${folder}/${short}`;
    return field(node, 'target') ?? `${folder}/${field(node, 'source') ?? ''}`;
  };
}

function port(node: SpecNode): string | undefined {
  const short = text(node);
  if (short !== undefined) return short;
  if (field(node, 'target') === undefined) return undefined;
  const host = field(node, 'host_ip') ?? '0.0.0.0';
  return `${host}:${field(node, 'published') ?? ''}:${field(node, 'target')}/${field(node, 'protocol') ?? 'tcp'}`;
}
