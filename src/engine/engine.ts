import { availableParallelism } from 'node:os';
import { delegatedCgroups, detectCgroups } from '../cgroup/cgroup.ts';
import type { Contents, ExecutorContext, MachineContext } from '../executor/context.ts';
import { type ServeHost, Serving } from '../executor/serving.ts';
import type { SupervisorHost } from '../host/host.ts';
import type { OutsideLink } from '../host/outside-link.ts';
import type { ProcessStat } from '../host/process.ts';
import { KeyedMutex } from '../lib/mutex.ts';
import type { ContainerEvent } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import type { ObserveContext, Reservation } from '../observe/context.ts';
import { readBootId } from '../observe/liveness.ts';
import { removeDefaultProfile, withDefaultProfile } from '../runtime/apparmor-profile.ts';
import { withDevicePrograms } from '../runtime/device-program.ts';
import { readKernelFacts, userKernelFacts } from '../runtime/kernel-facts.ts';
import type { Paths } from '../store/paths.ts';
import type { Records } from '../store/records.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { EventFeed } from './event-feed.ts';
import { secretKey } from './file-contents.ts';
import { ImageStore } from './image-store.ts';
import { nameEvent } from './name-event.ts';
import { recoverRecords } from './recover.ts';

/** Steps in flight per core: most of a step is waiting for the kernel and for other processes. */
const STEPS_PER_CORE = 32;

/** The engine of one machine: what every action needs. Made once by the daemon; invariant: it alone writes. */
export class Engine {
  readonly machine: MachineContext;
  readonly supervisor: Supervisor;
  readonly events: EventFeed;
  readonly images: ImageStore;
  /** One change to a stack at a time. */
  readonly stacks = new KeyedMutex();
  /** One plan at a time, so that two stacks never choose the same subnet or port. */
  readonly planning = new KeyedMutex();
  readonly reserved = new Map<string, Reservation>();
  readonly concurrency = availableParallelism() * STEPS_PER_CORE;
  /** The last stack was taken down: the daemon need not wait for another command. */
  finished = false;
  /** By machine name: the clients that will remove a one-off themselves when they have read its output. */
  readonly holders = new Map<string, ProcessStat>();
  /** What configs and secrets held when a plan was made: not in the plan, which is shown and sent. */
  readonly contents = new WeakMap<Plan, Contents>();
  #secretKey: Promise<Uint8Array> | undefined;
  #busy = 0;

  private constructor(machine: MachineContext, events: EventFeed) {
    this.machine = machine;
    this.events = events;
    this.supervisor = new Supervisor(machine);
    this.images = new ImageStore(machine);
  }

  /**
   * Takes over the machine as it is. `records` must be open already: they are the lock. `serve`: how the process comes
   * and goes that answers names; without it names are in /etc/hosts alone. `outside`: we are an ordinary user's.
   */
  static async start(
    host: SupervisorHost,
    paths: Paths,
    records: Records,
    { serve, outside }: { readonly serve?: ServeHost; readonly outside?: OutsideLink } = {},
  ): Promise<Engine> {
    const bootId = readBootId(host);
    const now = (): number => Date.now();
    const events = new EventFeed();
    const emit = (happened: Omit<ContainerEvent, 'timeMs'>): void => {
      const event = { timeMs: now(), ...nameEvent(records, happened) };
      records.addEvent(event);
      events.send(event);
    };
    const cgroups = outside === undefined ? detectCgroups(host) : delegatedCgroups(host, outside.rootless);
    const kernel =
      outside === undefined
        ? await withDefaultProfile(host, await withDevicePrograms(host, readKernelFacts(host)), tell)
        : userKernelFacts(host, cgroups.version === 2);
    const serving =
      serve === undefined ? undefined : new Serving(serve, records, { warn: tell, rootless: outside !== undefined });
    const machine = {
      host,
      paths,
      records,
      cgroups,
      kernel,
      bootId,
      now,
      emit,
      ...(serving !== undefined && { serving }),
      ...(outside !== undefined && { outside }),
    };
    const engine = new Engine(machine, events);
    recoverRecords(host, paths, records, bootId);
    await engine.supervisor.adopt();
    // Its sockets are told from those of strangers by its pid.
    await serving?.update();
    return engine;
  }

  /** Before every command: what a plan's script made since the last one is ours to know, too. */
  async recover(): Promise<void> {
    const { host, paths, records, bootId } = this.machine;
    for (const key of recoverRecords(host, paths, records, bootId)) await this.supervisor.found(key);
  }

  get executor(): ExecutorContext {
    return { ...this.machine, control: this.supervisor };
  }

  /** What carries out this plan. */
  executorOf(plan: Plan): ExecutorContext {
    const contents = this.contents.get(plan);
    return { ...this.executor, ...(contents !== undefined && { contents }) };
  }

  /** What hashes of secrets are keyed with. */
  secretKey(): Promise<Uint8Array> {
    this.#secretKey ??= secretKey(this.machine.host, this.machine.paths);
    return this.#secretKey;
  }

  get observer(): ObserveContext {
    return { ...this.machine, reserved: this.reserved, supervised: (key) => this.supervisor.state(key) };
  }

  /** Nothing runs, nothing is under way. */
  get idle(): boolean {
    return this.#busy === 0 && this.supervisor.active === 0;
  }

  /** Counts as being busy while `work` runs. */
  async whileBusy<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#busy += 1;
    this.finished = false;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      // What was done for no client has no other end that the daemon would notice.
      if (this.#busy === 0) this.supervisor.changes.notify();
    }
  }

  /** When nothing runs, before `close()`: what the machine has for containers alone goes. */
  async release(): Promise<void> {
    const { serving, host, kernel } = this.machine;
    await serving?.end();
    await removeDefaultProfile(host, kernel, tell);
  }

  /** Can be called twice. Containers go on, and so does who answers their questions. */
  close(): void {
    this.supervisor.close();
    this.machine.serving?.close();
    this.machine.records.close();
  }
}

function tell(message: string): void {
  process.stderr.write(`${message}\n`);
}
