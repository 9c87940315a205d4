import { posix } from 'node:path';
import type { Host } from '../host/host.ts';
import type { HostOp } from '../host/op.ts';
import type { Resources } from '../model/limits.ts';
import type { Drift } from '../model/observed.ts';
import { type Controller, supportedLimits, unsupportedLimits, updateLimits } from './controller.ts';
import { type Facts, lenient } from './facts.ts';
import type { Cgroups } from './interface.ts';

/** A controller, and where it is. */
export interface Placed {
  readonly controller: Controller;
  readonly mount: string;
  readonly facts: Facts;
}

/** Where a cgroup version keeps things. */
export interface Layout {
  /** Mount points of all hierarchies, without doubles. */
  readonly mounts: readonly string[];
  readonly controllers: readonly Placed[];
}

type CommonPart = 'update' | 'remove' | 'procsFiles' | 'processes' | 'exists' | 'drift' | 'unsupportedResources';

/** What is the same in both versions. */
export function commonCgroups(host: Host, { mounts, controllers }: Layout): Pick<Cgroups, CommonPart> {
  const first = mounts[0] ?? '';
  return {
    update(name, before, after) {
      const ops = updateOps(controllers, name, { before, after, repair: false });
      return ops.length > 0 ? ops : updateOps(controllers, name, { before, after, repair: true });
    },
    remove: (name) => mounts.flatMap((mount) => removeOps(mount, name)),
    procsFiles: (name) => mounts.map((mount) => `${mount}/${name}/cgroup.procs`),
    processes: (name) => parseProcesses(host.readText(`${first}/${name}/cgroup.procs`)),
    exists: (name) => host.stat(`${first}/${name}`) !== undefined,
    drift: (name, resources) => controllers.flatMap((placed) => controllerDrift(host, placed, name, resources)),
    unsupportedResources: (resources) =>
      controllers.flatMap(({ controller, facts }) => unsupportedLimits(controller, resources, lenient(facts))),
  };
}

/** Writes of a new cgroup's limits. */
export function limitOps({ controller, mount, facts }: Placed, name: string, resources: Resources): readonly HostOp[] {
  return supportedLimits(controller, resources, facts)
    .filter((limit) => limit.isInitial !== true)
    .map(({ file, data }) => write(`${mount}/${name}/${file}`, data));
}

function updateOps(
  controllers: readonly Placed[],
  name: string,
  change: { readonly before: Resources; readonly after: Resources; readonly repair: boolean },
): readonly HostOp[] {
  return controllers.flatMap(({ controller, mount, facts }) =>
    updateLimits(controller, change, facts).map(({ file, data }) => write(`${mount}/${name}/${file}`, data)),
  );
}

export function write(path: string, data: string): HostOp {
  return { op: 'write-in-place', path, data };
}

/** `tsstack/demo/web.1` → `tsstack`, `tsstack/demo`. */
export function parentsOf(name: string): readonly string[] {
  const parts = name.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** The container's own, with what it made in it, then parents that nothing else is in. */
function removeOps(mount: string, name: string): readonly HostOp[] {
  const parents = parentsOf(name).toReversed();
  return [
    { op: 'rmdir', path: posix.join(mount, name), tree: true },
    ...parents.map((parent): HostOp => ({ op: 'rmdir', path: `${mount}/${parent}`, tolerateNonEmpty: true })),
  ];
}

/** cgroup.procs may name a process twice (cgroups(7)). */
function parseProcesses(text: string | undefined): readonly number[] {
  const pids = new Set((text ?? '').split('\n').filter((line) => line !== ''));
  return [...pids].map(Number).sort((one, other) => one - other);
}

function controllerDrift(host: Host, placed: Placed, name: string, resources: Resources): readonly Drift[] {
  const { controller, mount, facts } = placed;
  const directory = `${mount}/${name}`;
  const found: Drift[] = [];
  for (const limit of supportedLimits(controller, resources, lenient(facts))) {
    if (limit.matches === undefined) continue;
    const shown = host.readText(`${directory}/${limit.file}`);
    if (shown === undefined) return [{ kind: 'resources', message: `cgroup ${directory} is missing` }];
    if (limit.matches(shown)) continue;
    const present = shown.trim().replaceAll('\n', ', ');
    found.push({
      kind: 'resources',
      message: `${limit.file} is ${present || 'empty'}, not ${limit.data.trim() || 'empty'}`,
    });
  }
  return found;
}
