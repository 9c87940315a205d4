import { thaw } from '../executor/thaw.ts';
import { containerAddress } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import { liveness } from '../observe/liveness.ts';
import { cgroupName } from '../store/paths.ts';
import { signalNumber } from '../supervisor/stop-signal.ts';
import { type ContainerView, listContainers } from './containers.ts';
import type { Engine } from './engine.ts';

const SIGKILL = 9;
/** signal(7): the highest real-time signal. */
const LAST_SIGNAL = 64;

export interface KillOptions {
  /** Empty: all. */
  readonly services: readonly string[];
  /** Name with or without SIG, or number; absent: SIGKILL. */
  readonly signal?: string;
  /** Only give the names. */
  readonly dryRun?: boolean;
  /** Only this replica. */
  readonly index?: number;
}

/**
 * Sends a signal to pid 1 of the containers that run, and gives their names. As Docker has it, SIGKILL and the
 * container's own stop signal are the user's wish that it ends: its restart policy rests until the next start, and one
 * that is paused goes on first. After any other signal the policy holds. Done with SIGKILL when they have ended.
 *
 * Takes no turn behind other requests for the stack: it is what ends a `stop` or an `up` that waits for too long.
 */
export async function kill(engine: Engine, stack: string, options: KillOptions): Promise<readonly string[]> {
  const name = options.signal ?? 'SIGKILL';
  const signal = checkedSignal(name);
  const up = listContainers(engine, stack, options.services, true).filter(
    ({ record, observed }) =>
      (options.index === undefined || record.key.index === options.index) &&
      (observed.pid !== undefined ||
        (signal === SIGKILL && (observed.status === 'restarting' || engine.supervisor.runs(record.key)))),
  );
  if (options.dryRun !== true) await Promise.all(up.map((view) => killOne(engine, view, signal, name)));
  return up.map(({ record }) => record.spec.name);
}

function checkedSignal(name: string): number {
  const number = signalNumber(name);
  if (number >= 1 && number <= LAST_SIGNAL) return number;
  throw new TsstackError('usage', `There is no signal ${number}`, { hint: `Signals are 1 to ${LAST_SIGNAL}` });
}

async function killOne(engine: Engine, { record }: ContainerView, signal: number, name: string): Promise<void> {
  const { machine, supervisor } = engine;
  const { key, spec } = record;
  machine.emit({ stack: key.stack, address: containerAddress(key.service, key.index), event: 'kill', detail: name });
  if (signal === SIGKILL) return supervisor.stop(key, 0);
  const ends = signal === signalNumber(spec.stopSignal);
  if (ends) machine.records.updateContainer(key, { stoppedByUser: true });
  const life = liveness(machine.host, machine.paths, record, machine.bootId);
  if (life.state !== 'running' || life.process === undefined) return;
  const { pid, startTime } = life.process;
  await machine.host.perform([{ op: 'kill', pid, startTime, signal }]);
  if (ends) await thaw(machine, cgroupName(key));
}
