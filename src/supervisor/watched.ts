import { type ContainerKey, machineName } from '../model/address.ts';
import type { HealthMonitor } from './health.ts';

/** What is known of one container while it is watched. */
export interface Watched {
  readonly key: ContainerKey;
  health?: HealthMonitor;
  /** What it asks, as text. */
  asked?: string;
  /** Over when the last probe of monitors before this one is. */
  probed?: Promise<void>;
  restart?: NodeJS.Timeout;
  /** The cgroup's count of processes killed for lack of memory, and when it was first seen. */
  oom?: { readonly kills: number; readonly atMs: number };
  /** It is being ended for its ill health: over when its `preStop` hooks are. */
  endingIll?: Promise<void>;
  phase: Phase;
}

/**
 * `runs`: it was started, and no end has been noticed. `ending`: its end is being dealt with. `ended`: that is done, and
 * whether it is started again is decided.
 */
export type Phase = 'runs' | 'ending' | 'ended';

/** The containers that are watched. Invariant: each has at most one timer and one monitor. */
export class WatchList {
  readonly #watched = new Map<string, Watched>();

  get(key: ContainerKey): Watched | undefined {
    return this.#watched.get(machineName(key));
  }

  /** One that is not watched yet begins as ended. */
  obtain(key: ContainerKey): Watched {
    const known = this.get(key);
    if (known !== undefined) return known;
    const watched: Watched = { key, phase: 'ended' };
    this.#watched.set(machineName(key), watched);
    return watched;
  }

  all(): readonly Watched[] {
    return [...this.#watched.values()];
  }

  delete(key: ContainerKey): void {
    this.#watched.delete(machineName(key));
  }
}

/** It is not started again after all. */
export function cancelRestart(watched: Watched | undefined): void {
  clearTimeout(watched?.restart);
  if (watched !== undefined) delete watched.restart;
}

export function stopProbing(watched: Watched | undefined): void {
  if (watched?.health === undefined) return;
  watched.health.stop();
  watched.probed = watched.health.done;
  delete watched.health;
}
