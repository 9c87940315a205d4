import { asideNames, hasAside } from '../aside.ts';
import { at, type Context, complain, rootPlace } from '../canonical/context.ts';
import { entryOf, type SpecNode } from '../node.ts';

const words = {
  networks: { what: 'network', hint: 'take it out, or name it below "networks" of a service' },
  volumes: { what: 'volume', hint: 'take it out, or mount it in a service: "NAME:/PATH"' },
  secrets: { what: 'secret', hint: 'take it out, or name it below "secrets" of a service' },
  configs: { what: 'config', hint: 'take it out, or name it below "configs" of a service' },
} as const;
type Section = keyof typeof words;

/**
 * Networks, volumes, secrets and configs that no service uses, of whatever profile. What stands outside of the stack
 * (`external`) may be named for its own sake. Looks at what was written, so that a use with an error is one.
 */
export function checkUnused(context: Context): void {
  const { root } = context;
  const services = entryOf(root, 'services')?.node;
  if (services?.kind !== 'map' || services.entries.size === 0 || asideNames(root, 'services').length > 0) return;
  const declared = Object.keys(words).flatMap((section) => namesOf(root, section as Section));
  if (declared.length === 0) return;
  const used = usedNames(services);
  const unused = declared.filter(({ section, name }) => !used.has(`${section} ${name}`));
  if (unused.length === 0 || hasAside(services)) return;
  for (const { section, name } of unused) {
    const { what } = words[section];
    const hint = words[section].hint.replace('NAME', name);
    const message = `no service uses the ${what} "${name}"`;
    const place = at(at(rootPlace(context), section), name);
    complain(place, { severity: 'warning', code: 'ref.unused', message, hint, key: true });
  }
}

function namesOf(root: SpecNode, section: Section): { section: Section; name: string }[] {
  const node = entryOf(root, section)?.node;
  if (node?.kind !== 'map') return [];
  const names = [...node.entries].filter(([name, entry]) => name !== 'default' && !isExternal(entry.node));
  return names.map(([name]) => ({ section, name }));
}

function isExternal(resource: SpecNode): boolean {
  const external = entryOf(resource, 'external')?.node;
  return external !== undefined && !(external.kind === 'scalar' && external.value === false);
}

/** `networks backend`, `volumes data` and so on, of all services as they were written. */
function usedNames(services: SpecNode): ReadonlySet<string> {
  const used = new Set<string>();
  for (const service of childrenOf(services)) {
    const build = entryOf(service, 'build')?.node;
    for (const section of ['networks', 'volumes', 'secrets', 'configs'] as const) {
      for (const name of itemNames(entryOf(service, section)?.node, section)) used.add(`${section} ${name}`);
    }
    for (const name of itemNames(entryOf(build, 'secrets')?.node, 'secrets')) used.add(`secrets ${name}`);
    const credentials = entryOf(service, 'credential_spec')?.node;
    for (const [section, node] of [
      ['networks', entryOf(service, 'network_mode')?.node],
      ['networks', entryOf(build, 'network')?.node],
      ['configs', entryOf(credentials, 'config')?.node],
    ] as const) {
      if (node?.kind === 'scalar') used.add(`${section} ${String(node.value)}`);
    }
  }
  return used;
}

function childrenOf(node: SpecNode): SpecNode[] {
  return node.kind === 'map' ? [...node.entries.values()].map((entry) => entry.node) : [];
}

function itemNames(node: SpecNode | undefined, section: Section): string[] {
  if (node?.kind === 'map') return [...node.entries.keys()];
  if (node?.kind !== 'seq') return [];
  return node.items.flatMap((item) => {
    const named = item.kind === 'map' ? entryOf(item, 'source')?.node : item;
    if (named?.kind !== 'scalar') return [];
    const text = String(named.value);
    return section === 'volumes' && item.kind === 'scalar' ? (text.split(':', 1)[0] ?? text) : text;
  });
}
