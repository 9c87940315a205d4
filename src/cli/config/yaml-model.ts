import type { LoadResult } from '../../spec/load.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * The canonical model with what only its YAML has, as Compose prints it: `models`, and the extensions of services, of
 * which `x-rootfs` decides what runs. So the text can be loaded again, from anywhere.
 */
export function yamlModel(result: LoadResult): Members {
  const { model, written } = result;
  const services = membersOf(model['services']);
  const entries = Object.keys(services).map((name) => {
    const extensions = extensionsOf(membersOf(membersOf(written['services'])[name]));
    return [name, { ...membersOf(services[name]), ...extensions, ...rootfsOf(result, name, extensions) }] as const;
  });
  const models = written['models'] === undefined ? {} : { models: written['models'] };
  return { ...model, services: plain(entries), ...models };
}

/** The absolute path of `x-rootfs`. */
function rootfsOf(result: LoadResult, name: string, extensions: Members): Members {
  // The engine's form of a stack is only made for it.
  const source = extensions['x-rootfs'] === undefined ? undefined : result.stack.services[name]?.source;
  return source?.type === 'rootfs' ? { 'x-rootfs': source.path } : {};
}

function extensionsOf(written: Members): Members {
  return plain(Object.entries(written).filter(([key]) => key.startsWith('x-')));
}

/** Without a prototype: a key may be `__proto__`. */
function plain(entries: readonly (readonly [string, unknown])[]): Members {
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entries) result[key] = value;
  return result;
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}
