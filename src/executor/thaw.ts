import type { HostOp } from '../host/op.ts';
import type { MachineContext } from './context.ts';

type Context = Pick<MachineContext, 'cgroups' | 'host'>;

/**
 * Lets the processes of a paused container run on. Under cgroup v1 a frozen process does not even die of SIGKILL before
 * that, and one that is started in a frozen cgroup does not begin.
 */
export async function thaw(context: Context, name: string): Promise<void> {
  const operations = thawOperations(context, name);
  if (operations.length > 0) await context.host.perform(operations);
}

/** None where nothing is frozen. */
export function thawOperations({ cgroups }: Pick<Context, 'cgroups'>, name: string): readonly HostOp[] {
  return cgroups.frozen(name) ? cgroups.freeze(name, false) : [];
}
