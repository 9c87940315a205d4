import type { BatchOutcome } from './batcher.ts';
import { runCommand } from './run-command.ts';

/**
 * Applies several scripts as one transaction: all or nothing. If the kernel refuses it, each is tried alone, so that
 * only the culprit fails.
 */
export async function runNftBatch(scripts: readonly string[]): Promise<readonly BatchOutcome[]> {
  const outcome = await apply(scripts.join('\n'));
  if (outcome === undefined || scripts.length === 1) return scripts.map(() => outcome);
  const outcomes: BatchOutcome[] = [];
  for (const script of scripts) outcomes.push(await apply(script));
  return outcomes;
}

async function apply(script: string): Promise<BatchOutcome> {
  try {
    await runCommand(['nft', '-f', '-'], { stdin: script });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
