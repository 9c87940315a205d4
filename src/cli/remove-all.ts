import { TsstackError } from '../model/error.ts';
import type { Context } from './command.ts';

/** Removes all that can be, prints their names, and throws what was said of the others but for what `isFine`. */
export async function removeAll(
  context: Context,
  names: readonly string[],
  remove: (name: string) => Promise<unknown>,
  isFine: (error: TsstackError) => boolean,
): Promise<void> {
  const removed: string[] = [];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      await remove(name);
      removed.push(name);
    } catch (error) {
      if (!(error instanceof TsstackError && isFine(error))) failures.push(error);
    }
  }
  if (context.format === 'json') context.out.write(`${JSON.stringify({ removed }, undefined, 2)}\n`);
  else context.out.write(removed.map((name) => `${name}\n`).join(''));
  if (failures.length > 1) throw joined(failures);
  if (failures.length === 1) throw failures[0];
}

function joined(failures: readonly unknown[]): TsstackError {
  const lines = failures.map((failure) => {
    if (!(failure instanceof TsstackError)) return String(failure);
    return failure.hint === undefined ? failure.message : `${failure.message}\n  → ${failure.hint}`;
  });
  const code = failures.find((failure) => failure instanceof TsstackError)?.code ?? 'internal';
  return new TsstackError(code, lines.join('\n'));
}
