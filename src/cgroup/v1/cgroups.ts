import type { Host } from '../../host/host.ts';
import type { HostOp } from '../../host/op.ts';
import type { Resources } from '../../model/limits.ts';
import type { Usage } from '../../model/observed.ts';
import { absent, type Controller } from '../controller.ts';
import { deviceRules } from '../device-rules.ts';
import { readFacts } from '../facts.ts';
import type { Cgroups } from '../interface.ts';
import { commonCgroups, limitOps, type Placed, parentsOf, write } from '../layout.ts';
import { parseMemory } from '../memory-size.ts';
import type { V1Controller } from '../mounts.ts';
import { parsePidsMax, pids } from '../pids.ts';
import { blkio, parseIoBytes } from './blkio.ts';
import { cpu, parseQuota } from './cpu.ts';
import { parseCpuUsec } from './cpuacct.ts';
import { cpuset, cpusetParentFiles } from './cpuset.ts';
import { deviceChanges, deviceWrites } from './devices.ts';
import { FREEZER_FILE, freezerState } from './freezer.ts';
import { memory, parseOomKills } from './memory.ts';

const LIMITING = { cpuset, cpu, memory, pids, blkio } satisfies Partial<Record<V1Controller, Controller>>;

/** `mounts`: mount point by controller, at least one. */
export function createCgroupsV1(host: Host, mounts: ReadonlyMap<V1Controller, string>): Cgroups {
  const directories = [...new Set(mounts.values())];
  const controllers = Object.values(LIMITING).map((controller) => place(host, mounts, controller));
  return {
    version: 1,
    ...commonCgroups(host, { mounts: directories, controllers }),
    create: (name, resources, devices) => [
      ...cpusetParentOps(host, mounts.get('cpuset'), name),
      ...directories.map((mount): HostOp => ({ op: 'mkdir', path: `${mount}/${name}` })),
      ...controllers.flatMap((placed) => limitOps(placed, name, resources)),
      ...writeDevices(mounts.get('devices'), name, deviceWrites(deviceRules(host, devices))),
    ],
    updateDevices: (name, before, after) =>
      writeDevices(mounts.get('devices'), name, deviceChanges(deviceRules(host, before), deviceRules(host, after))),
    deviceProgramDirectory: () => undefined,
    // A single thread that moves itself takes no lock of the whole machine (`cgroup_procs_write_start()`, since 5.18);
    // behind cgroup.procs it waits for an RCU grace period, 5 ms.
    joinFiles: (name) => directories.map((mount) => `${mount}/${name}/tasks`),
    usage: (name) => readUsage(host, mounts, name),
    oomKills: (name) => parseOomKills(host.readText(`${mounts.get('memory') ?? ''}/${name}/memory.oom_control`)),
    freeze(name, frozen) {
      const mount = mounts.get('freezer');
      return mount === undefined ? [] : [write(`${mount}/${name}/${FREEZER_FILE}`, freezerState(frozen))];
    },
    frozen(name) {
      const mount = mounts.get('freezer');
      const state = mount === undefined ? undefined : host.readText(`${mount}/${name}/${FREEZER_FILE}`);
      return state !== undefined && state.trim() !== freezerState(false);
    },
  };
}

function place(
  host: Host,
  mounts: ReadonlyMap<V1Controller, string>,
  controller: (typeof LIMITING)[keyof typeof LIMITING],
): Placed {
  const mount = mounts.get(controller.name as V1Controller);
  if (mount === undefined) return { controller: absent(controller), mount: '', facts: readFacts(host, '') };
  return { controller, mount, facts: readFacts(host, mount) };
}

function cpusetParentOps(host: Host, mount: string | undefined, name: string): readonly HostOp[] {
  const top = parentsOf(name)[0];
  if (mount === undefined || top === undefined) return [];
  const files = cpusetParentFiles(readFacts(host, mount));
  return [
    { op: 'mkdir', path: `${mount}/${top}` },
    ...files.map(([file, data]) => write(`${mount}/${top}/${file}`, data)),
  ];
}

function writeDevices(
  mount: string | undefined,
  name: string,
  writes: readonly (readonly [file: string, data: string])[],
): readonly HostOp[] {
  return mount === undefined ? [] : writes.map(([file, data]) => write(`${mount}/${name}/${file}`, data));
}

function readUsage(host: Host, mounts: ReadonlyMap<V1Controller, string>, name: string): Usage | undefined {
  const read = (controller: V1Controller, file: string) => {
    const mount = mounts.get(controller);
    return mount === undefined ? undefined : host.readText(`${mount}/${name}/${file}`);
  };
  const current = read('memory', 'memory.usage_in_bytes') ?? read('pids', 'pids.current');
  if (current === undefined) return undefined;
  const io = read('blkio', 'blkio.throttle.io_service_bytes_recursive');
  const peak = read('memory', 'memory.max_usage_in_bytes');
  return {
    cpuUsec: parseCpuUsec(read('cpuacct', 'cpuacct.usage')),
    memoryBytes: Number(read('memory', 'memory.usage_in_bytes') ?? 0),
    ...(peak !== undefined && { memoryPeakBytes: Number(peak) }),
    pids: Number(read('pids', 'pids.current') ?? 0),
    ioReadBytes: parseIoBytes(io, 'Read'),
    ioWriteBytes: parseIoBytes(io, 'Write'),
    oomKills: parseOomKills(read('memory', 'memory.oom_control')),
    limits: readLimits(read),
  };
}

function readLimits(read: (controller: V1Controller, file: string) => string | undefined): Usage['limits'] {
  const memoryBytes = parseMemory(read('memory', 'memory.limit_in_bytes') ?? '');
  const count = parsePidsMax(read('pids', 'pids.max'));
  const limits: Pick<Resources, 'memoryBytes' | 'pids'> = {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(count !== undefined && { pids: count }),
  };
  return { ...limits, ...parseQuota(read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.cfs_period_us')) };
}
