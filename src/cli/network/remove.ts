import type { StackSummary } from '../../daemon/api.ts';
import type { NetworkSummary, RemoveNetworkRequest } from '../../daemon/network-api.ts';
import { TsstackError } from '../../model/error.ts';
import { askYes } from '../ask-yes.ts';
import { type Context, EXIT } from '../command.ts';
import { removeAll } from '../remove-all.ts';
import { networkFilter } from './filter.ts';
import type { NetworkOptions } from './verb.ts';
import { allNetworks, requireNames } from './verbs.ts';

/** `network rm NAME…`: removes all that it can, prints their names, and fails with what was said of the others. */
export async function removeNetworks(
  context: Context,
  names: readonly string[],
  { force }: NetworkOptions,
): Promise<number> {
  requireNames('rm', names);
  await removeAll(context, names, remover(context), (error) => force && error.code === 'not-found');
  sayDry(context);
  return EXIT.done;
}

/** `network prune`: networks that no container is on, and that no stack with containers has. */
export async function pruneNetworks(
  context: Context,
  operands: readonly string[],
  { filter, force }: NetworkOptions,
): Promise<number> {
  if (operands.length > 0) throw new TsstackError('usage', `network prune takes no names, got "${operands.join(' ')}"`);
  const names = (await unusedNetworks(context)).filter(networkFilter(filter)).map(({ name }) => name);
  if (names.length > 0 && !force && !context.globals['dry-run']) {
    const what = `This removes ${names.length === 1 ? 'a network' : `${names.length} networks`}: ${names.join(', ')}`;
    if (!(await askYes(context, what))) return EXIT.failed;
  }
  await removeAll(context, names, remover(context), isGone);
  sayDry(context);
  return EXIT.done;
}

/** Networks that no container is on, of no stack or of one that has no container. */
export async function unusedNetworks(context: Context): Promise<readonly NetworkSummary[]> {
  const stacks = await context.client.get<readonly StackSummary[]>('/v1/stacks');
  const alive = new Set(stacks.flatMap(({ name, statuses }) => (Object.keys(statuses).length > 0 ? name : [])));
  return (await allNetworks(context)).filter(({ users, stack }) => users.length === 0 && !alive.has(stack));
}

/** One that was taken into use since it was looked at stays. */
export function isGone({ code }: TsstackError): boolean {
  return code === 'not-found' || code === 'conflict';
}

export function remover(context: Context): (name: string) => Promise<unknown> {
  const dryRun = context.globals['dry-run'];
  return (name) => {
    const request: RemoveNetworkRequest = { name, ...(dryRun && { dryRun }) };
    return context.client.post('/v1/networks/remove', request);
  };
}

function sayDry({ globals, err }: Context): void {
  if (globals['dry-run']) err.write('Dry run: nothing was changed\n');
}
