import { TsstackError } from '../model/error.ts';
import type { BatchOutcome } from './batcher.ts';
import type { HostOp } from './op.ts';
import type { RunCommand } from './run-command.ts';

export type NftOp = Extract<HostOp, { readonly op: 'nft' }>;

/**
 * Applies several scripts as one transaction: all or nothing. If the kernel refuses it, each is tried alone, so that
 * only the culprit fails.
 */
export async function runNftBatch(ops: readonly NftOp[], run: RunCommand): Promise<readonly BatchOutcome[]> {
  const outcome = await apply(ops.map(({ script }) => script).join('\n'), run);
  if (outcome === undefined) return ops.map(() => undefined);
  const outcomes: BatchOutcome[] = [];
  for (const op of ops) outcomes.push(await applyAlone(op, run));
  return outcomes;
}

async function applyAlone(op: NftOp, run: RunCommand): Promise<BatchOutcome> {
  const outcome = await apply(op.script, run);
  if (outcome === undefined || op.tolerate === undefined) return outcome;
  return (await tablesAreAbsent(op.script, run)) ? undefined : outcome;
}

async function apply(script: string, run: RunCommand): Promise<BatchOutcome> {
  try {
    await run(['nft', '-f', '-'], { stdin: script });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new TsstackError('internal', String(error));
  }
}

/** Is every table missing that elements of the script belong to? */
async function tablesAreAbsent(script: string, run: RunCommand): Promise<boolean> {
  const tables = new Set(
    [...script.matchAll(/^(?:add|delete) element ([a-z0-9]+ \S+) /gm)].map(([, table = '']) => table),
  );
  const { stdout } = await run(['nft', 'list', 'tables']);
  const present = new Set(stdout.split('\n').map((line) => line.replace(/^table /, '').trim()));
  return tables.size > 0 && [...tables].every((table) => !present.has(table));
}
