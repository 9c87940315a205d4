import type { Affected } from '../daemon/api.ts';
import type { Context } from './command.ts';

/** Says to which containers something was done: `demo-web-1 killed`, or that there were none (`none`). */
export function printAffected(context: Context, affected: Affected, words: { done: string; none: string }): void {
  const { containers } = affected;
  const done = context.globals['dry-run'] ? `${words.done} (dry run: nothing was done)` : words.done;
  if (context.format === 'json') context.out.write(`${JSON.stringify(affected, undefined, 2)}\n`);
  else if (containers.length === 0) context.err.write(`${words.none}\n`);
  else context.err.write(containers.map((name) => `${name} ${done}\n`).join(''));
}
