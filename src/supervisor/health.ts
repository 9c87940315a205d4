import { setTimeout as sleep } from 'node:timers/promises';
import type { ProbeResult } from '../host/host.ts';
import type { HealthStatus } from '../model/observed.ts';
import type { Healthcheck } from '../model/stack.ts';

/** While a service starts, it is asked this often, whatever `interval` says: being ready must not cost a polling period. */
const FAST_MS = 100;
const RESULTS_KEPT = 5;

export interface HealthResult {
  readonly startedAtMs: number;
  readonly exitCode?: number;
  readonly output: string;
}

/** undefined: it can't be asked now, which says nothing about its health. */
type Probe = (signal: AbortSignal) => Promise<ProbeResult | undefined>;

/**
 * Probes one container. Failures count as Docker counts them: none inside `startPeriodMs`, then at most one an
 * interval; `retries` in a row make it unhealthy, one success healthy. Probes never overlap.
 */
export class HealthMonitor {
  readonly #check: Healthcheck;
  readonly #probe: Probe;
  readonly #changed: (status: HealthStatus) => void;
  readonly #stop = new AbortController();
  #status: HealthStatus = 'starting';
  #failures = 0;
  #results: readonly HealthResult[] = [];

  constructor(check: Healthcheck, probe: Probe, changed: (status: HealthStatus) => void) {
    this.#check = check;
    this.#probe = probe;
    this.#changed = changed;
    void this.#loop();
  }

  get status(): HealthStatus {
    return this.#status;
  }

  /** The last five, newest last. */
  get results(): readonly HealthResult[] {
    return this.#results;
  }

  /** Can be called twice. */
  stop(): void {
    this.#stop.abort();
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stop;
    const begun = performance.now();
    let counted = begun;
    while (!signal.aborted) {
      const started = performance.now();
      const healthy = await this.#ask();
      if (signal.aborted) return;
      const now = performance.now();
      const counts =
        this.#status !== 'starting' ||
        (now - begun >= this.#check.startPeriodMs && now - counted >= this.#check.intervalMs);
      if (healthy) this.#succeeded();
      else if (healthy === false && counts) {
        counted = now;
        this.#failed();
      }
      const delayMs = this.#status === 'starting' ? this.#fastDelayMs(now - started) : this.#check.intervalMs;
      await sleep(delayMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** A probe that takes long is not repeated at once: at most a third of the time is spent probing. */
  #fastDelayMs(tookMs: number): number {
    return Math.min(Math.max(FAST_MS, 2 * tookMs), Math.max(this.#check.intervalMs, FAST_MS));
  }

  async #ask(): Promise<boolean | undefined> {
    const startedAtMs = Date.now();
    let result: ProbeResult | undefined;
    try {
      result = await this.#probe(this.#stop.signal);
    } catch (error) {
      result = { exitCode: 126, output: error instanceof Error ? error.message : String(error) };
    }
    if (result === undefined) return undefined;
    const output =
      result.exitCode === undefined ? `${result.output}\n(killed after ${this.#check.timeoutMs} ms)` : result.output;
    this.#results = [
      ...this.#results.slice(1 - RESULTS_KEPT),
      { startedAtMs, ...(result.exitCode !== undefined && { exitCode: result.exitCode }), output },
    ];
    return result.exitCode === 0;
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#become('healthy');
  }

  #failed(): void {
    this.#failures += 1;
    if (this.#failures >= this.#check.retries) this.#become('unhealthy');
  }

  #become(status: HealthStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#changed(status);
  }
}
