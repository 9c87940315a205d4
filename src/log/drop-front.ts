import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { LogFile, WINDOW } from './log-file.ts';
import { indexFrom, indexPath } from './time-index.ts';

/** What stays of the limit when it is exceeded: so a log that grows by a line at a time is not cut at every line. */
const PART_KEPT = 7 / 8;

/**
 * Says in the index that whole lines at the front of a log are dropped, where more than `limitBytes` are in it. Gives the
 * offset before which the file's blocks are to be freed. In this order: a reader that finds a hole knows that it is one,
 * and whoever is killed in between loses nothing that was to be kept. undefined: nothing is to be done.
 * `window`: of `WINDOW` bytes.
 */
export function dropFront(path: string, limitBytes: number, window: Buffer): number | undefined {
  const file = LogFile.open(path, window);
  if (file === undefined) return undefined;
  try {
    const size = file.size();
    if (size - file.dataStart() <= limitBytes) return undefined;
    const wanted = size - Math.floor(limitBytes * PART_KEPT);
    // A line may be longer than what is kept, or have no end: it is not looked for long, and its end is kept.
    const far = Math.min(wanted + WINDOW, size);
    const line = file.lineStart(wanted, far);
    const start = line === far ? wanted : line;
    return rewriteIndex(path, start) ? start : undefined;
  } finally {
    file.close();
  }
}

/** false: the container's directory has been removed. */
function rewriteIndex(path: string, start: number): boolean {
  const index = indexPath(path);
  try {
    const text = indexFrom(existsSync(index) ? readFileSync(index, 'latin1') : '', start);
    const fd = openSync(`${index}.new`, 'w', 0o600);
    try {
      writeFileSync(fd, text);
      // After a power cut there must not be a hole that no index tells of.
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(`${index}.new`, index);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
