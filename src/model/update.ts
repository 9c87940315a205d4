/** How replaced replicas of a service follow each other: `deploy.update_config` or `deploy.rollback_config`. */
export interface UpdatePolicy {
  /** Replicas that are replaced at the same time; 0: all. */
  readonly parallelism: number;
  /** Between one batch and the next. */
  readonly delayMs: number;
  /** `start-first`: the new container takes over from the old one when it is ready, and only then does that one stop. */
  readonly order: 'stop-first' | 'start-first';
  readonly failureAction: 'pause' | 'continue' | 'rollback';
  /** How long a new container is watched after it is ready. */
  readonly monitorMs: number;
  /** Share of the replaced replicas that may fail, 0 to 1. */
  readonly maxFailureRatio: number;
}

/**
 * What a container is to its replica while another one takes its place: `standby` is not used by anybody yet, `retired`
 * has handed over and only ends what it has begun. Absent: it is the replica.
 */
export type Role = 'standby' | 'retired';
