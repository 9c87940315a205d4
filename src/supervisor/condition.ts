import { type ContainerKey, containerAddress } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { WaitFor } from '../model/plan.ts';
import type { SupervisedState } from '../observe/context.ts';
import type { Liveness } from '../observe/liveness.ts';
import type { ContainerRecord } from '../store/records.ts';

/** What a condition is judged by. */
export interface ConditionState extends SupervisedState {
  readonly record: ContainerRecord;
  readonly life: Liveness;
  /** Output of the last health check. */
  readonly lastProbe: string | undefined;
}

/**
 * Does the condition hold for every replica? false: not yet. Throws `dependency-failed` when it never will.
 */
export function checkCondition(
  wait: WaitFor,
  look: (key: ContainerKey) => ConditionState | undefined,
  stack: string,
): boolean {
  return wait.replicas.every((index) => {
    const key = { stack, service: wait.service, index };
    const state = look(key);
    if (state === undefined) throw failure(key, 'is not there');
    return holds(wait, key, state);
  });
}

function holds(wait: WaitFor, key: ContainerKey, state: ConditionState): boolean {
  const { life, record, restarting } = state;
  switch (wait.condition) {
    case 'service_started':
      return life.state !== 'never-started';
    case 'service_completed_successfully':
      if (life.state !== 'ended') return false;
      if (life.exitCode === 0 || record.exitCode === 0) return true;
      if (restarting) return false;
      throw failure(key, `ended with status ${life.exitCode ?? record.exitCode ?? 'unknown'}`);
    case 'service_healthy':
      return isHealthy(key, state);
  }
}

function isHealthy(key: ContainerKey, { life, record, restarting, health, lastProbe }: ConditionState): boolean {
  if (record.spec.healthcheck === undefined) {
    throw failure(
      key,
      'has no healthcheck, so it can never be healthy',
      'Give it a healthcheck, or use condition: service_started',
    );
  }
  if (health === 'healthy') return true;
  if (life.state === 'ended' && !restarting) {
    throw failure(key, `ended with status ${life.exitCode ?? record.exitCode ?? 'unknown'} before it was healthy`);
  }
  if (health === 'unhealthy')
    throw failure(key, `is unhealthy${lastProbe === undefined ? '' : `: ${lastProbe.trim()}`}`);
  return false;
}

function failure(key: ContainerKey, what: string, hint?: string): TsstackError {
  return new TsstackError('dependency-failed', `${containerAddress(key.service, key.index)} ${what}`, {
    hint: hint ?? `See what it said: tsstack logs ${key.service}`,
    address: containerAddress(key.service, key.index),
  });
}
