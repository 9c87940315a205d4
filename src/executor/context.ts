import type { Cgroups } from '../cgroup/cgroup.ts';
import type { SupervisorHost } from '../host/host.ts';
import type { OutsideLink } from '../host/outside-link.ts';
import type { ContainerKey } from '../model/address.ts';
import type { ContainerEvent } from '../model/event.ts';
import type { WaitFor } from '../model/plan.ts';
import type { KernelFacts } from '../runtime/kernel-facts.ts';
import type { Paths } from '../store/paths.ts';
import type { Records } from '../store/records.ts';
import type { Serving } from './serving.ts';

/** Contents of configs and secrets by `ContainerFile.content`, in memory only. */
export type Contents = Map<string, Uint8Array>;

/** Which hooks of a container are run, and for how long. */
export interface HookOptions {
  readonly kind: 'postStart' | 'preStop';
  /** As `performance.now()` counts; absent: as long as they take. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Who watches over running containers: the supervisor. */
export interface ContainerControl {
  /** Waits until the condition holds. Throws `dependency-failed` as soon as it can't any more. */
  waitFor(stack: string, condition: WaitFor, signal: AbortSignal): Promise<void>;
  /** Is it running, as far as its watcher knows. */
  runs(key: ContainerKey): boolean;
  /**
   * Waits until a container that was started is ready (healthy, where that is checked) and has stayed so for
   * `monitorMs`. Throws `dependency-failed` as soon as it has not.
   */
  settle(key: ContainerKey, monitorMs: number, signal: AbortSignal): Promise<void>;
  /** A container was started: watch over it. */
  started(key: ContainerKey): void;
  /** Run its hooks, in order; `preStop` hooks that run for its ill health are waited for instead. Throws `hook-failed`. */
  runHooks(key: ContainerKey, options: HookOptions): Promise<void>;
  /** Ask it to end, kill it after `timeoutMs`; done when it has ended. */
  stop(key: ContainerKey, timeoutMs: number): Promise<void>;
  /** It is about to be removed: watch over it no longer, and end every process that is left in its cgroup. */
  forget(key: ContainerKey): Promise<void>;
  /** Its healthcheck or restart policy changed. */
  changed(key: ContainerKey): void;
}

/** The machine and what we know of it: everything that starting a container takes. */
export interface MachineContext {
  readonly host: SupervisorHost;
  readonly paths: Paths;
  readonly records: Records;
  readonly cgroups: Cgroups;
  readonly kernel: KernelFacts;
  readonly bootId: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What the plan that is carried out was made with; the supervisor has none. */
  readonly contents?: Contents;
  readonly emit: (event: Omit<ContainerEvent, 'timeMs'>) => void;
  /** Who answers names on gateways; absent: nobody, they are in /etc/hosts alone. */
  readonly serving?: Serving;
  /** We are an ordinary user's, in namespaces of his own: what is outside of them. */
  readonly outside?: Pick<OutsideLink, 'listeners' | 'rootless'>;
}

/** Everything that carrying out a plan takes. */
export interface ExecutorContext extends MachineContext {
  readonly control: ContainerControl;
}
