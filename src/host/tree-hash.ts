import { createHash, type Hash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A directory with more entries than this is compared by names, sizes and times from there on. */
const MOST_FILES = 2_000;
/** And so is what comes after so many bytes. */
const MOST_BYTES = 64 * 1024 * 1024;
const CHUNK = 1 << 16;

interface Budget {
  files: number;
  bytes: number;
}

/**
 * Hashes a file, or a directory with everything below it: names, modes and contents. Links below are compared by where
 * they lead. Each path is read once. Nothing blocks: what is no regular file counts by its kind.
 */
export function treeHasher(): (path: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (path) => {
    if (!known.has(path)) known.set(path, hashOf(path));
    return known.get(path);
  };
}

function hashOf(path: string): string | undefined {
  const hash = createHash('sha256');
  try {
    // The source itself may be a link: what it leads to is mounted.
    add(hash, path, statSync(path).isDirectory(), { files: MOST_FILES, bytes: MOST_BYTES });
  } catch {
    return undefined;
  }
  return `sha256:${hash.digest('hex')}`;
}

function add(hash: Hash, path: string, isDirectory: boolean, budget: Budget): void {
  if (!isDirectory) {
    addFile(hash, path, statSync(path), budget);
    return;
  }
  for (const name of readdirSync(path).sort()) {
    const below = join(path, name);
    const stat = lstatSync(below, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    hash.update(`${name}\0${stat.mode.toString(8)}\0`);
    if (stat.isSymbolicLink()) hash.update(readlinkSync(below));
    else if (stat.isDirectory()) add(hash, below, true, budget);
    else addFile(hash, below, stat, budget);
    hash.update('\0');
  }
}

function addFile(hash: Hash, path: string, stat: NonNullable<ReturnType<typeof statSync>>, budget: Budget): void {
  const size = Number(stat.size);
  budget.files -= 1;
  if (!stat.isFile()) return;
  if (budget.files < 0 || budget.bytes < size) {
    hash.update(`${size} ${Number(stat.mtimeMs)}`);
    return;
  }
  budget.bytes -= size;
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    let left = size;
    for (let read = 1; read > 0 && left > 0; left -= read) {
      read = readSync(file, chunk, 0, Math.min(CHUNK, left), null);
      hash.update(chunk.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}
