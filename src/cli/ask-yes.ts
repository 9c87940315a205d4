import { TsstackError } from '../model/error.ts';
import type { Context } from './command.ts';

/**
 * Says on a terminal what is about to be destroyed and waits for a yes; anything else is a no. Throws `usage` where
 * nobody can be asked.
 */
export async function askYes(context: Context, what: string): Promise<boolean> {
  if (!canAsk(context)) {
    throw new TsstackError('usage', `${what}. There is no terminal to ask on`, { hint: 'Add -f to do it unasked' });
  }
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${what}\nGo on? [y/N] `);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}

/** Whether there is somebody to ask. */
export function canAsk({ err }: Context): boolean {
  return process.stdin.isTTY && err.isTerminal;
}
