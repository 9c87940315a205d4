import type { Affected, PauseRequest } from '../daemon/api.ts';
import { TsstackError } from '../model/error.ts';
import { printAffected } from './affected.ts';
import { type Command, type Context, defineCommand, EXIT, type Example } from './command.ts';
import { listContainers } from './containers.ts';
import { stackSelector } from './stack-request.ts';

interface Pause {
  readonly name: 'pause' | 'unpause';
  readonly summary: string;
  readonly examples: readonly [Example, ...Example[]];
  /** What is said of each container, and when there is none. */
  readonly words: { readonly done: string; readonly none: string };
}

/** The commands that freeze and thaw: they differ in their route and their words. */
export function pauseCommand({ name, summary, examples, words }: Pause): Command {
  return defineCommand({
    name,
    summary,
    operands: '[SERVICE…]',
    options: {},
    formats: ['table', 'json'],
    examples,
    run: async (context, { operands }) => {
      const request: PauseRequest = {
        selector: stackSelector(context),
        services: operands,
        ...(context.globals['dry-run'] && { dryRun: true }),
      };
      const affected = await context.client.post<Affected>(`/v1/${name}`, request);
      if (name === 'pause' && affected.containers.length === 0) await refusePaused(context, operands);
      printAffected(context, affected, words);
      return affected.containers.length === 0 ? EXIT.failed : EXIT.done;
    },
  });
}

/** Throws `conflict` where there is nothing to pause because it is paused already. */
async function refusePaused(context: Context, services: readonly string[]): Promise<void> {
  const paused = (await listContainers(context, services)).filter(({ status }) => status === 'paused');
  if (paused.length === 0) return;
  const names = paused.map(({ name }) => name).join(', ');
  throw new TsstackError('conflict', `${names} ${paused.length === 1 ? 'is' : 'are'} already paused`, {
    hint: `Let go on with: tsstack unpause ${services.join(' ')}`.trimEnd(),
  });
}
