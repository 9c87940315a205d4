import type { ContainerControl, HookOptions, MachineContext } from '../executor/context.ts';
import { drainCgroup } from '../executor/drain-cgroup.ts';
import { closeToHost } from '../executor/sandbox.ts';
import { type ContainerKey, machineName, parseMachineName } from '../model/address.ts';
import { reportError } from '../model/error.ts';
import type { WaitFor } from '../model/plan.ts';
import type { SupervisedState } from '../observe/context.ts';
import { type Liveness, liveness } from '../observe/liveness.ts';
import { cgroupName, exitDirectory } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { Changes } from './changes.ts';
import { type ConditionState, LINES } from './condition.ts';
import { ContainerLogs } from './container-logs.ts';
import { chainEnd, endProcess } from './end-process.ts';
import type { HealthMonitor } from './health.ts';
import { hooksPending, runHooks } from './hooks.ts';
import { endIllHealth, hooksOfIll } from './ill-health.ts';
import { watchOom } from './oom-watch.ts';
import { probeIfChanged, startProbing } from './probing.ts';
import { emitFor, recordEnd } from './record-end.ts';
import { relaunch } from './relaunch.ts';
import { restartDelayMs, shouldRestart } from './restart.ts';
import { Waiting } from './waiting.ts';
import { cancelRestart, stopProbing, type Watched, WatchList } from './watched.ts';

/** How often it is checked that what should run does run, for ends that no file tells of. */
const PATROL_MS = 1000;
/** Longest time in which an end that others have noticed may be dealt with. */
const END_DEADLINE_MS = 10_000;

/**
 * Watches over containers: notices ends, restarts, probes. Holds no truth: everything is found again from records, exit
 * files and /proc by `adopt()` after the daemon was killed.
 */
export class Supervisor implements ContainerControl {
  readonly #context: MachineContext;
  readonly #watched = new WatchList();
  /** Something about some container changed. */
  readonly changes = new Changes();
  readonly #logs: ContainerLogs;
  readonly #waiting = new Waiting({
    changes: this.changes,
    stateOf: (key) => this.#conditionState(key),
    replicaState: (key) => this.#replicaState(key),
  });
  readonly #stop = new AbortController();
  #patrol: NodeJS.Timeout | undefined;

  constructor(context: MachineContext) {
    this.#context = context;
    this.#logs = new ContainerLogs(context);
  }

  /** Takes over what an earlier daemon left, and begins to watch. */
  async adopt(): Promise<void> {
    const { host, paths, records } = this.#context;
    await host.perform([{ op: 'mkdir', path: exitDirectory(paths), mode: 0o700 }]);
    host.watchDirectory(exitDirectory(paths), this.#stop.signal, (name) => {
      const key = parseMachineName(name);
      if (key !== undefined) void this.#look(key);
    });
    this.#patrol = setInterval(() => void this.#lookAtAll(), PATROL_MS);
    for (const { key } of records.containers.all()) await this.found(key);
  }

  /** Takes over a container that is recorded and that we don't watch yet. */
  async found(key: ContainerKey): Promise<void> {
    const { records, bootId } = this.#context;
    const record = records.container(key);
    if (record === undefined) return;
    const life = this.#life(record);
    if (life.state === 'running') {
      this.started(key);
      if (hooksPending(record)) void this.#postStart(key);
    } else if (life.state === 'ended' && record.bootId === bootId) {
      const watched = this.#watched.obtain(key);
      if (record.finishedAtMs === undefined) {
        this.#logs.watch(key);
        await this.#handleEnd(watched, record, life);
      } else this.#maybeRestart(watched, record);
    }
  }

  /** Containers that run or will be started again: what the daemon is there for. */
  get active(): number {
    return this.#watched.all().filter(({ phase, restart }) => phase !== 'ended' || restart !== undefined).length;
  }

  state(key: ContainerKey): SupervisedState {
    const watched = this.#watched.get(key);
    return {
      health: watched?.health?.status ?? 'none',
      runs: this.runs(key),
      restarting: watched?.restart !== undefined,
    };
  }

  healthResults(key: ContainerKey): HealthMonitor['results'] {
    return this.#watched.get(key)?.health?.results ?? [];
  }

  /** Is it there, or its end not dealt with yet? */
  runs(key: ContainerKey): boolean {
    return (this.#watched.get(key)?.phase ?? 'ended') !== 'ended';
  }

  started(key: ContainerKey): void {
    const watched = this.#watched.obtain(key);
    cancelRestart(watched);
    watched.phase = 'runs';
    this.#logs.watch(key);
    this.#probe(watched);
    this.changes.notify();
    // It may have ended before we watched: its exit file's event is gone then.
    void this.#look(key);
  }

  changed(key: ContainerKey): void {
    const watched = this.#watched.get(key);
    if (watched?.phase !== 'runs') return;
    this.#logs.watch(key);
    probeIfChanged(this.#context, watched, () => this.#healthChanged(watched));
    this.#healthChanged(watched);
  }

  waitFor(stack: string, condition: WaitFor, signal: AbortSignal): Promise<void> {
    return this.#waiting.waitFor(stack, condition, signal);
  }

  settle(key: ContainerKey, monitorMs: number, signal: AbortSignal): Promise<void> {
    return this.#waiting.settle(key, monitorMs, signal);
  }

  runHooks(key: ContainerKey, options: HookOptions): Promise<void> {
    return hooksOfIll(this.#watched.get(key), options) ?? runHooks(this.#context, key, options);
  }

  /** After a start that nobody waits for. */
  async #postStart(key: ContainerKey): Promise<void> {
    try {
      await this.runHooks(key, { kind: 'postStart', signal: this.#stop.signal });
    } catch (error) {
      emitFor(this.#context, { key }, { event: 'hook', detail: wordsOf(error) });
    }
  }

  async stop(key: ContainerKey, timeoutMs: number): Promise<void> {
    const { records } = this.#context;
    const watched = this.#watched.get(key);
    cancelRestart(watched);
    watched?.health?.stop();
    records.updateContainer(key, { stoppedByUser: true });
    const record = records.container(key);
    const life = record === undefined ? undefined : this.#life(record);
    const ended = (): boolean => !this.runs(key);
    if (record !== undefined && life?.state === 'running' && life.process !== undefined) {
      await endProcess(this.#context, record, life.process, { timeoutMs, changes: this.changes, ended });
    } else if (life?.state === 'ended') {
      await this.#look(key);
      await this.changes.until(ended, END_DEADLINE_MS);
    }
    this.changes.notify();
  }

  async forget(key: ContainerKey): Promise<void> {
    const watched = this.#watched.get(key);
    cancelRestart(watched);
    stopProbing(watched);
    this.#watched.delete(key);
    this.#context.records.health.delete(machineName(key));
    await this.#logs.forget(key);
    await drainCgroup(this.#context, cgroupName(key));
    const record = this.#context.records.container(key);
    await chainEnd(() => record !== undefined && this.#life(record).state === 'running');
    this.changes.notify();
  }

  /** Can be called twice. Containers go on. */
  close(): void {
    this.#stop.abort();
    this.#logs.close();
    clearInterval(this.#patrol);
    for (const watched of this.#watched.all()) {
      stopProbing(watched);
      cancelRestart(watched);
    }
  }

  #life(record: ContainerRecord): Liveness {
    return liveness(this.#context.host, this.#context.paths, record, this.#context.bootId);
  }

  async #lookAtAll(): Promise<void> {
    for (const { key, phase } of this.#watched.all()) {
      if (phase === 'runs') await this.#look(key);
    }
  }

  /** Looks whether a container that ran has ended. */
  async #look(key: ContainerKey): Promise<void> {
    const watched = this.#watched.get(key);
    const record = this.#context.records.container(key);
    if (watched?.phase !== 'runs' || record === undefined) return;
    const life = this.#life(record);
    if (life.state === 'ended') await this.#handleEnd(watched, record, life);
    else watchOom(this.#context, watched, record);
  }

  async #handleEnd(
    watched: Watched,
    record: ContainerRecord,
    life: Extract<Liveness, { state: 'ended' }>,
  ): Promise<void> {
    watched.phase = 'ending';
    stopProbing(watched);
    // With a pid namespace of its own the kernel has ended them all.
    if (record.spec.namespaces.pid !== 'private') {
      await drainCgroup(this.#context, cgroupName(record.key)).catch(() => undefined);
    }
    const updated = recordEnd(this.#context, record, life);
    if (updated !== undefined) this.#maybeRestart(watched, updated);
    watched.phase = 'ended';
    if (watched.restart === undefined && updated !== undefined) {
      await this.#logs.forget(record.key);
      await this.#context.host.perform(closeToHost(updated)).catch(() => undefined);
    }
    this.changes.notify();
  }

  #maybeRestart(watched: Watched, record: ContainerRecord): void {
    if (!shouldRestart(record.spec.restart, record)) return;
    const delayMs = restartDelayMs(record.spec.restart, record, this.#context.now());
    watched.restart = setTimeout(() => void this.#restart(watched, record), delayMs);
  }

  async #restart(watched: Watched, record: ContainerRecord): Promise<void> {
    const { records } = this.#context;
    const { key } = record;
    if (await relaunch(this.#context, record)) {
      this.started(key);
      // Stopped while it was being launched.
      if (records.container(key)?.stoppedByUser === true) await this.stop(key, 0);
      else void this.#postStart(key);
      return;
    }
    delete watched.restart;
    const failed = records.container(key);
    if (failed === undefined || this.#watched.get(key) === undefined) return;
    await this.#handleEnd(watched, failed, { state: 'ended', exitCode: 127 });
  }

  #probe(watched: Watched): void {
    startProbing(this.#context, watched, () => this.#healthChanged(watched));
    this.#tend(watched);
  }

  #healthChanged(watched: Watched): void {
    this.changes.notify();
    this.#tend(watched);
  }

  /** Starts a container again whose health asks for it. */
  #tend(watched: Watched): void {
    endIllHealth(this.#context, watched, this.changes, this.#stop.signal).catch((error: unknown) => {
      emitFor(this.#context, watched, {
        event: 'kill',
        detail: error instanceof Error ? error.message : String(error),
      });
    });
  }

  #replicaState(key: ContainerKey): ConditionState | undefined {
    const record = this.#context.records.replica(key);
    return record === undefined ? undefined : this.#conditionState(record.key);
  }

  #conditionState(key: ContainerKey): ConditionState | undefined {
    const record = this.#context.records.container(key);
    if (record === undefined) return undefined;
    const state = this.state(key);
    return {
      record,
      life: this.#life(record),
      ...state,
      // Whether one that has just ended is started again is decided when its end is dealt with.
      restarting: state.restarting || state.runs,
      lastProbe: this.healthResults(key).at(-1),
      lastLines: () => this.#logs.lastLines(key, LINES),
    };
  }
}

function wordsOf(error: unknown): string {
  const { message, details = [] } = reportError(error);
  return [message, ...details].join('; ');
}
