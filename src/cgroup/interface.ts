import type { HostOp } from '../host/op.ts';
import type { Resources } from '../model/limits.ts';
import type { Drift, Usage } from '../model/observed.ts';
import type { DeviceAccess } from './device-rules.ts';

export type { DeviceAccess } from './device-rules.ts';

/**
 * cgroup v1 (hybrid, one hierarchy a controller) and v2 behind one interface. `name` is a path below each hierarchy:
 * `tsstack/demo/web.1`.
 */
export interface Cgroups {
  readonly version: 1 | 2;
  /** Why there are none at all: see `noCgroups()`. Absent: there are. */
  readonly none?: string;
  /** Make the container's cgroups, parents included, and set every limit. */
  create(name: string, resources: Resources, devices: DeviceAccess): readonly HostOp[];
  /**
   * Set limits on cgroups that are there, in an order that the kernel accepts whatever was set before: those that
   * differ; all of them, to repair, when `before` and `after` are equal.
   */
  update(name: string, before: Resources, after: Resources): readonly HostOp[];
  /** Change which devices may be used. cgroup v2: nothing, a program does that. */
  updateDevices(name: string, before: DeviceAccess, after: DeviceAccess): readonly HostOp[];
  /** cgroup v2: the directory that a program which decides about devices belongs to. v1: undefined, the cgroup decides. */
  deviceProgramDirectory(name: string): string | undefined;
  /** Remove them when they are empty, and the stack's directories and ours when nothing else is in them. */
  remove(name: string): readonly HostOp[];
  /** Files that a process writes its id to, to join: one (v2) or one a controller (v1). */
  procsFiles(name: string): readonly string[];
  /** Files that a process with a single thread writes 0 to, to join by itself: what costs least. */
  joinFiles(name: string): readonly string[];
  /** Process ids in it. */
  processes(name: string): readonly number[];
  exists(name: string): boolean;
  usage(name: string): Usage | undefined;
  /** Processes killed for lack of memory since it was made, as the kernel counts them there. */
  oomKills(name: string): number;
  freeze(name: string, frozen: boolean): readonly HostOp[];
  /** Does the kernel say that its processes are frozen, or about to be? */
  frozen(name: string): boolean;
  /** Differences between limits in the kernel and `resources`. */
  drift(name: string, resources: Resources): readonly Drift[];
  /**
   * What of `resources` this kernel can't do and `create()` leaves out, in words: `memory.swap.max (memswap_limit): …`.
   */
  unsupportedResources(resources: Resources): readonly string[];
}
