import { type FSWatcher, watch } from 'chokidar';

/** Editors write a file in several goes; what comes within this time is one change. */
const QUIET_MS = 20;
/** chokidar holds a removal back for 100 ms. */
const RETIREMENT_MS = 500;

export interface FileChange {
  /** Absolute. */
  readonly path: string;
  readonly removed: boolean;
}

export interface WatchCallbacks {
  /** What changed, once it is quiet. Must not reject. */
  readonly changed: (changes: readonly FileChange[]) => Promise<void>;
  /** Something can't be watched (too many files for the kernel's limits); the rest is. */
  readonly failed: (error: unknown) => void;
}

/**
 * Watches files and trees. Invariant: one call of `changed` at a time; what changes meanwhile, also while `follow()`
 * goes from one set of paths to the next, comes with the next call.
 */
export class FileWatcher {
  readonly #callbacks: WatchCallbacks;
  readonly #pending = new Map<string, FileChange>();
  #watchers: FSWatcher[] = [];
  #paths: string | undefined;
  #retirement: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(callbacks: WatchCallbacks) {
    this.#callbacks = callbacks;
  }

  /** Watches these paths from now on and soon no others; resolves when it does. They need not be there yet. */
  async follow(paths: readonly string[]): Promise<void> {
    const key = [...paths].sort().join('\0');
    if (key === this.#paths) return;
    this.#paths = key;
    const next = watch([...paths], { ignoreInitial: true, atomic: true });
    next.on('add', (path) => this.#note({ path, removed: false }));
    next.on('change', (path) => this.#note({ path, removed: false }));
    next.on('unlink', (path) => this.#note({ path, removed: true }));
    next.on('error', (error) => this.#callbacks.failed(error));
    await new Promise<void>((resolve) => next.once('ready', () => resolve()));
    if (this.#closed) return await next.close();
    this.#retire();
    this.#watchers.push(next);
  }

  /** Resolves when a call that is under way has ended. Can be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retirement);
    await Promise.all(this.#watchers.map((watcher) => watcher.close()));
    await this.#running;
  }

  /** The watchers so far end a little later: what the kernel has told them already may still be on its way to us. */
  #retire(): void {
    const retired = [...this.#watchers];
    clearTimeout(this.#retirement);
    this.#retirement = setTimeout(() => {
      for (const watcher of retired) void watcher.close();
      this.#watchers = this.#watchers.filter((watcher) => !retired.includes(watcher));
    }, RETIREMENT_MS);
  }

  #note(change: FileChange): void {
    if (this.#closed) return;
    this.#pending.set(change.path, change);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#running ??= this.#flush();
    }, QUIET_MS);
  }

  async #flush(): Promise<void> {
    while (this.#pending.size > 0 && !this.#closed) {
      const changes = [...this.#pending.values()];
      this.#pending.clear();
      await this.#callbacks.changed(changes);
    }
    this.#running = undefined;
  }
}
