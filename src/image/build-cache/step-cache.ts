import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { Paths } from '../../store/paths.ts';
import { stepCacheDirectory } from '../store-layout.ts';

/** A layer of the store, as a build made it. */
export interface BuiltLayer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  /** Digest of the archive as it is uncompressed. */
  readonly diffId: string;
}

/** What came of a step. */
export interface CachedStep {
  /** Absent: it changed no file. */
  readonly layer?: BuiltLayer;
  /** Of the layers up to this one; absent without any. */
  readonly chainId?: string;
  readonly createdMs: number;
}

/**
 * Results of build steps by their keys, a file each. One that a power cut has left empty, or whose layer is gone, counts
 * as none. An entry keeps its layer from being collected.
 */
export class StepCache {
  readonly #directory: string;

  constructor(paths: Paths) {
    this.#directory = stepCacheDirectory(paths);
  }

  get(key: string): CachedStep | undefined {
    const found = this.#read(key);
    if (found !== undefined) utimesSync(this.#path(key), new Date(), new Date());
    return found;
  }

  put(key: string, step: CachedStep): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const temporary = `${this.#path(key)}.${process.pid}.new`;
    writeFileSync(temporary, JSON.stringify(step), { mode: 0o600 });
    renameSync(temporary, this.#path(key));
  }

  entries(): readonly CachedStep[] {
    return this.#keys().flatMap((key) => this.#read(key) ?? []);
  }

  /** Forgets what was not used since then; without a time all. */
  prune(unusedSinceMs = Number.POSITIVE_INFINITY): void {
    for (const key of this.#keys()) {
      if (statSync(this.#path(key)).mtimeMs < unusedSinceMs) rmSync(this.#path(key), { force: true });
    }
  }

  #keys(): readonly string[] {
    if (!existsSync(this.#directory)) return [];
    return readdirSync(this.#directory).flatMap((name) =>
      name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : [],
    );
  }

  #read(key: string): CachedStep | undefined {
    try {
      const step = JSON.parse(readFileSync(this.#path(key), 'utf8')) as CachedStep;
      return typeof step.createdMs === 'number' ? step : undefined;
    } catch {
      return undefined;
    }
  }

  #path(key: string): string {
    return `${this.#directory}/${key}.json`;
  }
}
