import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Something that can be closed, twice too. */
export interface FileWatch {
  close(): void;
}

/**
 * Calls `onChange` whenever the file is written, made, renamed or removed: inotify(7) on its directory, so that it
 * need not be there yet. Undefined when its directory is not there.
 */
export function watchFile(path: string, onChange: () => void): FileWatch | undefined {
  const name = basename(path);
  let watcher: FSWatcher;
  try {
    watcher = watch(dirname(path), (_event, changed) => {
      if (changed === name || changed === null) onChange();
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  // The directory may go while it is watched: then nothing changes any more.
  watcher.on('error', () => watcher.close());
  return watcher;
}
