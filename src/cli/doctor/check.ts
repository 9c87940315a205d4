/** One thing that this machine must have. */
export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'missing';
  /** What was found: `cgroup v1, 9 controllers`. */
  readonly found: string;
  /** Exact command that mends it. */
  readonly fix?: string;
}
