import type { ContainerKey } from './address.ts';

export type HealthStatus = 'none' | 'starting' | 'healthy' | 'unhealthy';

/** One look at a container. */
export interface HealthResult {
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** 0: well; absent: it was killed at its timeout. */
  readonly exitCode?: number;
  /** Standard output and error, the last 4 KiB. */
  readonly output: string;
}

/** What is known of a container's health. */
export interface HealthState {
  readonly status: HealthStatus;
  /** Failures in a row that count. */
  readonly failures: number;
  /** The last five, newest last. */
  readonly results: readonly HealthResult[];
}

/** Health as it is recorded: that of one run. */
export interface HealthRecord extends HealthState {
  readonly key: ContainerKey;
  readonly run: number;
}
