import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { FileStat, Host } from '../../src/host/host.ts';

/** A host that only reads: enough for what looks at the machine. */
export function readOnlyHost(): Host {
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch {
      return undefined;
    }
  };
  return {
    perform: () => Promise.reject(new Error('this host only reads')),
    run: () => Promise.reject(new Error('this host only reads')),
    readText: (path) => attempt(() => readFileSync(path, 'utf8')),
    readBytes: (path) => attempt(() => readFileSync(path)),
    readDirectory: (path) => attempt(() => readdirSync(path).sort()) ?? [],
    stat: (path) => attempt(() => fileStat(path)),
    readLink: (path) => attempt(() => readlinkSync(path)),
  };
}

function fileStat(path: string): FileStat {
  const stat = lstatSync(path);
  const type = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'file';
  return {
    type,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    sizeBytes: stat.size,
    modifiedMs: stat.mtimeMs,
    device: stat.dev,
    inode: stat.ino,
  };
}
