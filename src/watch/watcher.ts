import { type FSWatcher, watch } from 'chokidar';

/** Editors write a file in several goes; what comes within this time is one change. */
const QUIET_MS = 20;

export interface FileChange {
  /** Absolute. */
  readonly path: string;
  readonly removed: boolean;
}

/**
 * Watches files and trees and calls back with what changed, once it is quiet. Invariant: one call at a time; what
 * changes meanwhile comes with the next.
 */
export class FileWatcher {
  readonly #watcher: FSWatcher;
  readonly #changed: (changes: readonly FileChange[]) => Promise<void>;
  readonly #pending = new Map<string, FileChange>();
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #closed = false;

  constructor(paths: readonly string[], changed: (changes: readonly FileChange[]) => Promise<void>) {
    this.#changed = changed;
    this.#watcher = watch([...paths], { ignoreInitial: true, atomic: true });
    this.#watcher.on('add', (path) => this.#note({ path, removed: false }));
    this.#watcher.on('change', (path) => this.#note({ path, removed: false }));
    this.#watcher.on('unlink', (path) => this.#note({ path, removed: true }));
  }

  /** Resolves when every path is watched. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#watcher.once('ready', () => resolve());
    });
  }

  /** Can be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#watcher.close();
  }

  #note(change: FileChange): void {
    this.#pending.set(change.path, change);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#flush(), QUIET_MS);
  }

  async #flush(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#pending.size > 0 && !this.#closed) {
      const changes = [...this.#pending.values()];
      this.#pending.clear();
      await this.#changed(changes);
    }
    this.#running = false;
  }
}
