import { readFileSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { unescapeOctal } from '../lib/unescape-octal.ts';
import type { BatchOutcome } from './batcher.ts';
import type { RunCommand } from './run-command.ts';

/** A large tree may take minutes: others are not kept waiting for it longer than this. */
export const REMOVE_PATIENCE_MS = 100;
const DEADLINE_MS = 3_600_000;

/**
 * Removes directories with all that is in them, by one rm(1): each of their files would keep this process waiting for the
 * disk. What is absent is nothing to do. Refuses where something is mounted at or below one: that is not ours to empty.
 */
export async function removeTrees(paths: readonly string[], run: RunCommand): Promise<readonly BatchOutcome[]> {
  const mounts = mountPoints();
  const outcomes: BatchOutcome[] = paths.map((path) => refusalOf(path, mounts));
  const rest = paths.filter((_, index) => outcomes[index] === undefined);
  if (rest.length === 0 || (await removeAll(rest, run))) return outcomes;
  for (const [index, path] of paths.entries()) outcomes[index] ??= await removeAlone(path);
  return outcomes;
}

async function removeAll(paths: readonly string[], run: RunCommand): Promise<boolean> {
  return run(['rm', '-rf', '--', ...paths], { timeoutMs: DEADLINE_MS }).then(
    () => true,
    () => false,
  );
}

/** Says which of them it is that cannot be removed, and why. */
async function removeAlone(path: string): Promise<BatchOutcome> {
  return rm(path, { recursive: true, force: true }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

/** The path by which the kernel knows its mounts: the way to it may lead over a link. */
function refusalOf(path: string, mounts: readonly string[]): BatchOutcome {
  let real: string;
  try {
    real = realpathSync.native(path);
  } catch {
    return undefined;
  }
  const mounted = mounts.find((point) => point === real || point.startsWith(`${real}/`));
  return mounted === undefined ? undefined : new Error(`Cannot remove ${path}: something is mounted on ${mounted}`);
}

/** proc_pid_mountinfo(5): the fifth field is the mount point, with blanks as octal escapes. */
function mountPoints(): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
}
