import type { ProbeResult } from '../host/host.ts';
import type { HealthResult, HealthState, HealthStatus } from '../model/health.ts';
import type { Healthcheck } from '../model/stack.ts';
import { type Clock, REAL_CLOCK } from './clock.ts';

/** While a service starts, the next look comes after this part of the time that it has taken so far, … */
const PART = 1 / 8;
/** … within these bounds: being ready must not cost a polling period, and long starts need no hundred probes. */
const FASTEST_MS = 10;
const SLOWEST_MS = 1000;
const RESULTS_KEPT = 5;

/** undefined: it can't be asked now, which says nothing about its health. */
export type Probe = (signal: AbortSignal) => Promise<ProbeResult | undefined>;

export interface MonitorOptions {
  readonly check: Pick<Healthcheck, 'intervalMs' | 'timeoutMs' | 'retries' | 'startPeriodMs' | 'startIntervalMs'>;
  readonly probe: Probe;
  readonly changed: (status: HealthStatus) => void;
  /** Called when something is to be remembered. */
  readonly keep?: (state: HealthState) => void;
  /** What an earlier daemon knew of the same run. */
  readonly resume?: HealthState | undefined;
  /** How long the container has run. */
  readonly ranMs?: number;
  /** The first probe waits for this: the end of the one before. */
  readonly after?: Promise<void> | undefined;
  readonly clock?: Clock;
}

/**
 * Probes one container. Failures count as Docker counts them: none of a probe that began inside `startPeriodMs`, then
 * at most one an interval; `retries` in a row make it unhealthy, one success healthy. Probes never overlap.
 */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #begun: number;
  #status: HealthStatus;
  #failures: number;
  #results: readonly HealthResult[];
  /** When the last failure that counts began. */
  #counted: number;
  #healthySince: number | undefined;
  /** Over when no probe runs any more, after `stop()`. */
  readonly done: Promise<void>;

  constructor(options: MonitorOptions) {
    const { clock = REAL_CLOCK, resume, ranMs = 0 } = options;
    this.#options = options;
    this.#clock = clock;
    this.#begun = clock.now() - ranMs;
    this.#counted = resume === undefined || resume.failures === 0 ? this.#begun : clock.now();
    this.#status = resume?.status ?? 'starting';
    this.#failures = resume?.failures ?? 0;
    this.#results = resume?.results ?? [];
    if (this.#status === 'healthy') this.#healthySince = this.#begun;
    this.done = this.#loop();
  }

  get status(): HealthStatus {
    return this.#status;
  }

  /** The last five, newest last. */
  get results(): readonly HealthResult[] {
    return this.#results;
  }

  /** For how long it was healthy without a break, up to its last change; 0: it never was. */
  get healthyMs(): number {
    return this.#healthySince === undefined ? 0 : this.#clock.now() - this.#healthySince;
  }

  /** Can be called twice. A probe that runs is killed. */
  stop(): void {
    this.#stop.abort();
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stop;
    await this.#options.after;
    while (!signal.aborted) {
      const started = this.#clock.now();
      const healthy = await this.#ask();
      if (signal.aborted) return;
      if (healthy !== undefined) this.#judge(healthy, started);
      await this.#clock.sleep(this.#delayMs(this.#clock.now() - started), signal);
    }
  }

  #judge(healthy: boolean, startedAt: number): void {
    const counts = this.#status !== 'starting' || startedAt >= this.#nextCount;
    if (healthy) this.#failures = 0;
    else if (counts) {
      this.#counted = startedAt;
      this.#failures += 1;
    }
    const failed = this.#failures >= this.#options.check.retries;
    const before = this.#status;
    if (healthy) this.#status = 'healthy';
    else if (failed) this.#status = 'unhealthy';
    if (healthy && before !== 'healthy') this.#healthySince = this.#clock.now();
    // Not every look at a service that starts: there are many, and nobody misses them.
    if (counts || this.#status !== 'starting') this.#options.keep?.(this.#state());
    if (this.#status !== before) this.#options.changed(this.#status);
  }

  #state(): HealthState {
    return { status: this.#status, failures: this.#failures, results: this.#results };
  }

  /** From when on a failure counts while it starts. */
  get #nextCount(): number {
    const { startPeriodMs, intervalMs } = this.#options.check;
    return Math.max(this.#begun + startPeriodMs, this.#counted + intervalMs);
  }

  #delayMs(tookMs: number): number {
    const { intervalMs, startIntervalMs, startPeriodMs } = this.#options.check;
    if (this.#status !== 'starting') return intervalMs;
    const ranMs = this.#clock.now() - this.#begun;
    // A probe that takes long is not repeated at once: at most a third of the time is spent probing.
    const fast = Math.max(Math.min(Math.max(ranMs * PART, FASTEST_MS), SLOWEST_MS), 2 * tookMs);
    const longest = ranMs < startPeriodMs ? Math.min(intervalMs, startIntervalMs) : intervalMs;
    const untilItCounts = this.#nextCount - this.#clock.now();
    return Math.min(fast, longest, untilItCounts > 0 ? untilItCounts : fast);
  }

  async #ask(): Promise<boolean | undefined> {
    const startedAtMs = Date.now();
    let result: ProbeResult | undefined;
    try {
      result = await this.#options.probe(this.#stop.signal);
    } catch (error) {
      result = { exitCode: 126, output: error instanceof Error ? error.message : String(error) };
    }
    if (result === undefined) return undefined;
    const { exitCode } = result;
    const killed = `${result.output}\n(killed after ${this.#options.check.timeoutMs} ms)`;
    const output = exitCode === undefined ? killed : result.output;
    const kept = { startedAtMs, endedAtMs: Date.now(), ...(exitCode !== undefined && { exitCode }), output };
    this.#results = [...this.#results.slice(1 - RESULTS_KEPT), kept];
    return exitCode === 0;
  }
}
