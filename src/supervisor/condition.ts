import { printableLines } from '../lib/printable-lines.ts';
import { type ContainerKey, containerAddress } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { HealthResult } from '../model/health.ts';
import type { WaitFor } from '../model/plan.ts';
import { preStartTitle } from '../model/pre-start.ts';
import type { SupervisedState } from '../observe/context.ts';
import type { Liveness } from '../observe/liveness.ts';
import type { ContainerRecord } from '../store/records.ts';

/** Lines of a log or of a probe's output that an error shows. */
export const LINES = 10;

/** What a condition is judged by. */
export interface ConditionState extends SupervisedState {
  readonly record: ContainerRecord;
  readonly life: Liveness;
  /** The last health check. */
  readonly lastProbe: HealthResult | undefined;
  /** The last lines of its log. */
  readonly lastLines: () => readonly string[];
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
    if (state === undefined) throw failure(key, undefined, 'is not there');
    return holds(wait, key, state);
  });
}

function holds(wait: WaitFor, key: ContainerKey, state: ConditionState): boolean {
  const { life, record } = state;
  switch (wait.condition) {
    case 'service_started':
      return life.state !== 'never-started';
    case 'service_completed_successfully':
      if (life.state !== 'ended') return false;
      if (life.exitCode === 0 || record.exitCode === 0) return true;
      if (state.restarting) return false;
      throw failure(key, state, endText(state));
    case 'service_healthy':
      return isHealthy(key, state);
  }
}

/**
 * Is a container that was started ready: healthy, or where nobody checks that, running or done? Throws
 * `dependency-failed` when it has failed, were it to be started again or not.
 */
export function isSettled(key: ContainerKey, state: ConditionState | undefined): boolean {
  if (state === undefined) throw failure(key, undefined, 'is not there');
  const { life, record, restarting } = state;
  if (record.restarts > 0) throw failure(key, state, 'had to be started again');
  if (life.state === 'ended') {
    if ((life.exitCode ?? record.exitCode) !== 0) throw failure(key, state, endText(state));
    if (restarting) return false;
  }
  if (record.spec.healthcheck !== undefined) return isHealthy(key, state);
  return life.state !== 'never-started';
}

function isHealthy(key: ContainerKey, state: ConditionState): boolean {
  const { life, record, restarting, health, lastProbe } = state;
  if (record.spec.healthcheck === undefined) {
    throw failure(
      key,
      state,
      'has no healthcheck, so it can never be healthy',
      'Give it a healthcheck, or use condition: service_started',
    );
  }
  if (health === 'healthy') return true;
  if (life.state === 'ended' && !restarting) {
    throw failure(key, state, `${endText(state)} before it was healthy`);
  }
  if (health === 'unhealthy') {
    throw failure(key, state, `is unhealthy: its check ${probeText(lastProbe)}`);
  }
  return false;
}

function endText({ life, record }: ConditionState): string {
  const exitCode = (life.state === 'ended' ? life.exitCode : undefined) ?? record.exitCode ?? 'unknown';
  const often = record.restarts === 0 ? '' : ` after ${record.restarts} restart${record.restarts === 1 ? '' : 's'}`;
  return `ended with status ${exitCode}${often}`;
}

function probeText(probe: HealthResult | undefined): string {
  if (probe === undefined) return 'failed';
  return probe.exitCode === undefined ? 'did not end in its time' : `ended with status ${probe.exitCode}`;
}

/** `state`: what is there of it; undefined: nothing. */
function failure(key: ContainerKey, state: ConditionState | undefined, what: string, hint?: string): TsstackError {
  const title = state === undefined ? undefined : preStartTitle(state.record.spec);
  if (state !== undefined && title !== undefined) return preStartFailure(state, title, what);
  return new TsstackError('dependency-failed', `${containerAddress(key.service, key.index)} ${what}`, {
    hint: hint ?? `See what it said: tsstack logs ${key.service}`,
    address: containerAddress(key.service, key.index),
    details: state === undefined ? [] : evidence(key, state),
  });
}

function preStartFailure({ record, lastLines }: ConditionState, title: string, what: string): TsstackError {
  const { argv, oneOff, key } = record.spec;
  const said = lastLines();
  return new TsstackError('hook-failed', `${title} (${JSON.stringify(argv.join(' ').slice(0, 100))}) ${what}`, {
    address: containerAddress(key.service, key.index),
    hint: `Service "${oneOff?.service}" was not started. Correct its pre_start, or what that needs, and run "tsstack up" again`,
    details: said.length === 0 ? [] : ['its last output:', ...indented(said)],
  });
}

/** The last probe's output and the last lines of the log, each under a line that says what it is. */
function evidence({ service }: ContainerKey, { lastProbe, lastLines }: ConditionState): readonly string[] {
  const said = lastProbe === undefined ? [] : printableLines(lastProbe.output, LINES);
  const log = lastLines();
  return [
    ...(said.length === 0 ? [] : [`last health check (${probeText(lastProbe)}):`, ...indented(said)]),
    ...(log.length === 0 ? [] : [`last lines of ${service}:`, ...indented(log)]),
  ];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
