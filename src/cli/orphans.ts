import { TsstackError } from '../model/error.ts';
import type { Context } from './command.ts';
import { listContainers } from './containers.ts';
import { loadRequest } from './stack-request.ts';

/**
 * Services that have containers and are not in the stack file; one that a profile switches off is no orphan. None where
 * the stack is named alone, without a file.
 */
export async function orphanServices(context: Context): Promise<readonly string[]> {
  const { loadStack } = await import('../spec/load.ts');
  const named = context.globals['project-name'] !== undefined && context.globals.file.length === 0;
  const declared = declaredServices(() => loadStack(loadRequest(context, [])).stack, named);
  if (declared === undefined) return [];
  const services = (await listContainers(context, [])).map(({ service }) => service);
  return [...new Set(services)].filter((service) => !declared.has(service));
}

interface Declared {
  readonly services: Readonly<Record<string, unknown>>;
  readonly disabledServices: readonly string[];
}

/** undefined: there is no file, and none is needed. */
function declaredServices(load: () => Declared, optional: boolean): ReadonlySet<string> | undefined {
  try {
    const { services, disabledServices } = load();
    return new Set([...Object.keys(services), ...disabledServices]);
  } catch (error) {
    if (optional && error instanceof TsstackError && error.code === 'no-stack-file') return undefined;
    throw error;
  }
}
