import type { Address } from './address.ts';
import type { ContainerSpec, Endpoint, NetworkSpec, PublishedPort, VolumeSpec } from './container.ts';
import type { Repair } from './observed.ts';
import type { Dependency, ImageSource } from './stack.ts';
import type { Role, UpdatePolicy } from './update.ts';

/** What happens to a resource as a whole; the symbol is how plans show it. */
export type Action = 'create' | 'update' | 'replace' | 'start' | 'stop' | 'remove';

export const ACTION_SYMBOLS: Readonly<Record<Action, string>> = {
  create: '+',
  update: '~',
  replace: '±',
  start: '▶',
  stop: '■',
  remove: '-',
};

/** One changed field of a resource: `resources.memoryBytes`, old and new as JSON values. */
export interface FieldChange {
  readonly field: string;
  /** Absent: not set before (or after). */
  readonly before?: unknown;
  readonly after?: unknown;
  /** The file that the change is in, where that is not the stack file: absolute. */
  readonly file?: string;
  /** true: this field is why the resource must be replaced. */
  readonly forcesReplacement: boolean;
}

export interface ResourceChange {
  readonly address: Address;
  readonly action: Action;
  /** Why, in words: `not there yet`, `exited with status 1`, `no longer in the stack file`. */
  readonly cause: string;
  readonly fields: readonly FieldChange[];
}

export type StepId = string;

interface StepBase {
  /** Unique in the plan: `start service.web[1]`. */
  readonly id: StepId;
  readonly address: Address;
  readonly cause: string;
  /** Steps that must be done before, sorted. */
  readonly dependsOn: readonly StepId[];
  /** The replica that the step is for, where the container is not that replica's own (`pre_start`). */
  readonly replica?: Address;
  /** Service of the rolling update (`Plan.updates`) that the step belongs to: how its failure is dealt with. */
  readonly update?: string;
}

export type Step =
  | (StepBase & { readonly type: 'unpack-image'; readonly source: ImageSource; readonly imageId: string })
  /** Also brings one up to date in place. `before`: as it is; absent: it is not there. */
  | (StepBase & { readonly type: 'create-network'; readonly network: NetworkSpec; readonly before?: NetworkSpec })
  | (StepBase & { readonly type: 'remove-network'; readonly network: NetworkSpec })
  | (StepBase & { readonly type: 'create-volume'; readonly volume: VolumeSpec })
  | (StepBase & { readonly type: 'remove-volume'; readonly volume: VolumeSpec })
  | (StepBase & {
      readonly type: 'create-container';
      readonly spec: ContainerSpec;
      readonly endpoints: readonly Endpoint[];
      readonly ports: readonly PublishedPort[];
      readonly role?: Role;
    })
  | (StepBase & {
      readonly type: 'update-container';
      readonly before: ContainerSpec;
      readonly spec: ContainerSpec;
      readonly endpoints: readonly Endpoint[];
      readonly ports: readonly PublishedPort[];
      readonly fields: readonly FieldChange[];
      /** Kernel objects to make again, found missing or changed. */
      readonly repair: readonly Repair[];
      /** Signals for its process, which goes on with changed files. Absent: none. */
      readonly signals?: readonly string[];
      /** What the kernel may have instead of what is recorded: left by an update that did not come to its end. */
      readonly had?: { readonly endpoints: readonly Endpoint[]; readonly ports: readonly PublishedPort[] };
    })
  | (StepBase & {
      readonly type: 'start-container';
      readonly spec: ContainerSpec;
      readonly waitFor: readonly WaitFor[];
    })
  /** Waits until the container, one of `pre_start`, has ended with status 0. */
  | (StepBase & { readonly type: 'await-container'; readonly spec: ContainerSpec })
  /** Waits until the container is healthy, or runs where nobody checks, and then looks on for `monitorMs`. */
  | (StepBase & { readonly type: 'watch-container'; readonly spec: ContainerSpec; readonly monitorMs: number })
  /** Published ports and names go over from one container of a replica to the other, all at once. */
  | (StepBase & { readonly type: 'switch-container'; readonly spec: ContainerSpec; readonly before: ContainerSpec })
  /** Waits until nobody is connected to the published ports of a container, at most `timeoutMs`. */
  | (StepBase & {
      readonly type: 'drain-container';
      readonly spec: ContainerSpec;
      readonly ports: readonly PublishedPort[];
      readonly timeoutMs: number;
    })
  /** Stands between two batches of a rolling update. */
  | (StepBase & { readonly type: 'next-batch'; readonly delayMs: number })
  | (StepBase & {
      readonly type: 'stop-container';
      readonly spec: ContainerSpec;
      /** For its `preStop` hooks and its end together; then it is killed. */
      readonly timeoutMs: number;
      /** true: a hook that fails is no reason to leave it running. */
      readonly whateverHooksSay?: boolean;
    })
  | (StepBase & {
      readonly type: 'remove-container';
      readonly spec: ContainerSpec;
      readonly endpoints: readonly Endpoint[];
      readonly ports: readonly PublishedPort[];
      readonly keepVolumes: boolean;
    });

export type StepType = Step['type'];

/** A condition that must hold before a container starts. */
export interface WaitFor {
  readonly service: string;
  /** Replicas of that service, by index. */
  readonly replicas: readonly number[];
  readonly condition: Dependency['condition'];
  readonly required: boolean;
}

/** Replicas of one service that are replaced as its `deploy.update_config` says. */
export interface RollingUpdate {
  readonly service: string;
  readonly policy: UpdatePolicy;
  /** For the failure action `rollback`. */
  readonly rollback: UpdatePolicy;
  /** Numbers of the replicas that are replaced together. */
  readonly batches: readonly (readonly number[])[];
  /** Replicas that may fail before the failure action is taken. */
  readonly allowedFailures: number;
  /** What the replaced replicas were made from. */
  readonly before: readonly ContainerSpec[];
}

/** Something that makes the plan impossible; all are reported before anything is done. */
export interface Conflict {
  readonly address: Address;
  readonly message: string;
  readonly hint?: string;
}

export interface Plan {
  readonly stack: string;
  /** In the order in which they are shown: networks, volumes, services; by name. */
  readonly changes: readonly ResourceChange[];
  /** A topological order of an acyclic graph. Empty: nothing to do. */
  readonly steps: readonly Step[];
  /** Images that are pulled first; what they say of running them is not known yet. Absent: none. */
  readonly pulls?: readonly string[];
  /** Names of images that are built first; the same is true of them. Absent: none. */
  readonly builds?: readonly string[];
  /** Absent: none. */
  readonly updates?: readonly RollingUpdate[];
  readonly conflicts: readonly Conflict[];
  readonly warnings: readonly string[];
  /**
   * Names of volumes that are in the way as they would have to be made again, without their data: conflicts that are none
   * once the user agrees to that. Absent: none.
   */
  readonly lossyVolumes?: readonly string[];
  /** Containers of the stack whose service is no longer in the file, by name. */
  readonly orphans: readonly string[];
}
