import type { SpecNode } from './node.ts';
import { parseVolume } from './volume-text.ts';

type Indexer = (node: SpecNode) => string | undefined;

/** What makes two items of a list the same; the later one wins, in the place of the earlier. */
const indexers: Readonly<Record<string, Indexer>> = {
  'networks.*.labels': name,
  'networks.*.ipam.options': name,
  'services.*.annotations': name,
  'services.*.build.args': name,
  'services.*.build.additional_contexts': name,
  'services.*.build.tags': name,
  'services.*.build.labels': name,
  'services.*.cap_add': name,
  'services.*.cap_drop': name,
  'services.*.configs': fileMount(''),
  'services.*.deploy.labels': name,
  'services.*.devices': deviceTarget,
  'services.*.dns': name,
  'services.*.dns_opt': name,
  'services.*.dns_search': name,
  'services.*.environment': name,
  'services.*.env_file': (node) => field(node, 'path') ?? text(node),
  'services.*.expose': text,
  'services.*.labels': name,
  'services.*.links': name,
  'services.*.networks.*.aliases': name,
  'services.*.networks.*.link_local_ips': name,
  'services.*.ports': port,
  'services.*.profiles': name,
  'services.*.secrets': fileMount('/run/secrets'),
  'services.*.sysctls': name,
  'services.*.tmpfs': name,
  'services.*.volumes': volumeTarget,
};

/** The items of the list at `path` (user's names written as `*`), each once. */
export function uniqueItems(path: string, items: readonly SpecNode[]): readonly SpecNode[] {
  const indexer = indexers[path];
  if (indexer === undefined) return items;
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
  return result;
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
