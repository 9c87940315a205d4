/** How a container is started: what its launcher does, in order. */
export interface LaunchExplanation {
  readonly name: string;
  readonly service: string;
  readonly index: number;
  readonly steps: readonly LaunchStep[];
}

/** System calls in a row that do the same. */
export interface LaunchStep {
  /** Counted from 0, as reports of failures count; `last` is `first` of a single one. */
  readonly first: number;
  readonly last: number;
  /** Name of the system call. */
  readonly call: string;
  /** What it does, in words. */
  readonly does: string;
}
