import type { Affected, PauseRequest } from '../daemon/api.ts';
import { printAffected } from './affected.ts';
import { type Command, defineCommand, EXIT, type Example } from './command.ts';
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
      printAffected(context, affected, words);
      return affected.containers.length === 0 ? EXIT.failed : EXIT.done;
    },
  });
}
