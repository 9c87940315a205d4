import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Host } from '../../host/host.ts';
import { TsstackError } from '../../model/error.ts';
import type { Paths } from '../../store/paths.ts';
import { cacheMountsDirectory } from '../store-layout.ts';

export interface CacheMountRequest {
  readonly id: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  /** Of a new one. */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** What a new one begins with; absent: nothing. */
  readonly seed?: string;
  readonly signal: AbortSignal;
}

/** Something on the disk that is held for somebody. */
export interface Held {
  readonly path: string;
  /** Can be called twice. */
  readonly release: () => void;
}

/** Directories that steps keep for the next time (`RUN --mount=type=cache`), and who is using which. */
export class CacheMounts {
  readonly #host: Host;
  readonly #directory: string;
  /** Users of each directory. */
  readonly #users = new Map<string, number>();
  #waiting: (() => void)[] = [];

  constructor(host: Host, paths: Paths) {
    this.#host = host;
    this.#directory = cacheMountsDirectory(paths);
  }

  /** Waits where it is `locked` and somebody has it. Of `private` each user at a time has one of his own. */
  async take(request: CacheMountRequest): Promise<Held> {
    const base = createHash('sha256').update(request.id).digest('hex');
    for (;;) {
      const name = this.#free(base, request.sharing);
      if (name !== undefined) return this.#use(name, request);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        request.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (request.signal.aborted) throw new TsstackError('cancelled', 'waiting for a cache mount was cancelled');
    }
  }

  /** Their directory, whether there are any or not. */
  get directory(): string {
    return this.#directory;
  }

  /** Removes those that nobody is using. */
  async prune(): Promise<void> {
    if (!existsSync(this.#directory)) return;
    for (const name of readdirSync(this.#directory)) {
      if (!this.#users.has(name)) await rm(`${this.#directory}/${name}`, { recursive: true, force: true });
    }
  }

  #free(base: string, sharing: CacheMountRequest['sharing']): string | undefined {
    if (sharing === 'shared') return base;
    if (sharing === 'locked') return this.#users.has(base) ? undefined : base;
    for (let copy = 0; ; copy += 1) {
      const name = copy === 0 ? base : `${base}-${copy}`;
      if (!this.#users.has(name)) return name;
    }
  }

  async #use(name: string, request: CacheMountRequest): Promise<Held> {
    this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
    try {
      const path = `${this.#directory}/${name}`;
      if (!existsSync(path)) await this.#make(path, request);
      return { path, release: once(() => this.#release(name)) };
    } catch (error) {
      this.#release(name);
      throw error;
    }
  }

  async #make(path: string, { seed, uid, gid, mode }: CacheMountRequest): Promise<void> {
    const draft = `${path}.${randomBytes(4).toString('hex')}.new`;
    mkdirSync(draft, { recursive: true, mode: 0o700 });
    try {
      if (seed !== undefined) await this.#host.run(['cp', '-a', `${seed}/.`, draft]);
      chownSync(draft, uid, gid);
      chmodSync(draft, mode);
      if (!existsSync(path)) renameSync(draft, path);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }

  #release(name: string): void {
    const left = (this.#users.get(name) ?? 1) - 1;
    if (left === 0) this.#users.delete(name);
    else this.#users.set(name, left);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

function once(release: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    release();
  };
}
