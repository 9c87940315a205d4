import { TsstackError } from '../model/error.ts';
import type { WaitFor } from '../model/plan.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { Engine } from './engine.ts';

interface WaitOptions {
  /** Empty: all that the stack has. */
  readonly services: readonly string[];
  readonly waitTimeoutMs?: number;
}

/**
 * `--wait`: every service runs and, where it has a healthcheck, is healthy; what others wait for to complete has
 * completed. Throws `timeout`, and what the supervisor says of one that never will.
 */
export async function waitRunning(
  engine: Engine,
  stack: string,
  { services, waitTimeoutMs }: WaitOptions,
  signal: AbortSignal,
): Promise<void> {
  const limited = waitTimeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(waitTimeoutMs)]);
  try {
    const conditions = waitConditions(engine.machine.records.containersOf(stack), services);
    await Promise.all(conditions.map((condition) => engine.supervisor.waitFor(stack, condition, limited)));
  } catch (error) {
    if (!limited.aborted || signal.aborted || waitTimeoutMs === undefined) throw error;
    throw new TsstackError('timeout', `Not everything was running and healthy after ${waitTimeoutMs / 1000} s`, {
      hint: 'See what is missing: tsstack ps',
    });
  }
}

function waitConditions(records: readonly ContainerRecord[], services: readonly string[]): readonly WaitFor[] {
  const wanted = records.filter(({ key }) => services.length === 0 || services.includes(key.service));
  const awaited = new Set(
    wanted.flatMap(({ spec }) =>
      Object.entries(spec.dependsOn).flatMap(([service, { condition }]) =>
        condition === 'service_completed_successfully' ? [service] : [],
      ),
    ),
  );
  return [...Map.groupBy(wanted, ({ key }) => key.service)].map(([service, replicas]) => ({
    service,
    replicas: replicas.map(({ key }) => key.index),
    condition: awaited.has(service)
      ? 'service_completed_successfully'
      : replicas.some(({ spec }) => spec.healthcheck !== undefined)
        ? 'service_healthy'
        : 'service_started',
    required: true,
  }));
}
