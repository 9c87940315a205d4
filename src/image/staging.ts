import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readWholeFile } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import { parseProcessStat } from '../host/process.ts';
import type { Paths } from '../store/paths.ts';
import { syncDirectory } from './content/atomic-file.ts';
import { stagingRoot } from './store-layout.ts';

const active = new Set<string>();

/**
 * A directory to build something in, on the store's own file system so that a rename can publish it. It is gone
 * afterwards, whatever happened; what killed processes have left is removed first.
 */
export async function withStaging<Result>(
  paths: Paths,
  build: (directory: string) => Promise<Result>,
): Promise<Result> {
  const root = stagingRoot(paths);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  await removeStaleStaging(paths);
  const name = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const directory = `${root}/${name}`;
  active.add(name);
  try {
    mkdirSync(directory, { mode: 0o700 });
    return await build(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
    active.delete(name);
  }
}

export interface Move {
  readonly from: string;
  readonly to: string;
}

/**
 * Gives finished directories their names: first everything below is on the disk, then they are renamed, so that a
 * name never stands for half a tree, not even after a power cut. A name that is taken already stays as it is.
 */
export async function publish(host: Host, moves: readonly Move[]): Promise<void> {
  const first = moves[0];
  if (first === undefined) return;
  await host.perform([{ op: 'run', argv: ['sync', '-f', first.from], timeoutMs: 600_000 }]);
  for (const move of moves) {
    publishUntilReboot(move);
    syncDirectory(dirname(move.to));
  }
}

/** Without waiting for the disk: for a name that is not asked for again after a reboot. */
export function publishUntilReboot({ from, to }: Move): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isTaken(error)) throw error;
  }
}

function isTaken(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOTEMPTY' || code === 'EEXIST';
}

/** Removes directories whose process was killed. */
export async function removeStaleStaging(paths: Paths): Promise<void> {
  const root = stagingRoot(paths);
  if (!existsSync(root)) return;
  for (const name of readdirSync(root)) {
    if (active.has(name)) continue;
    const pid = Number.parseInt(name, 10);
    if (pid !== process.pid && isAlive(pid)) continue;
    await rm(`${root}/${name}`, { recursive: true, force: true });
  }
}

/** One that was killed a moment ago is there until its parent has asked after it. */
function isAlive(pid: number): boolean {
  const stat = parseProcessStat(new TextDecoder().decode(readWholeFile(`/proc/${pid}/stat`)));
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}
