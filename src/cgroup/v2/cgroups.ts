import type { Host } from '../../host/host.ts';
import type { HostOp } from '../../host/op.ts';
import type { Usage } from '../../model/observed.ts';
import { absent, type Controller } from '../controller.ts';
import { readFacts } from '../facts.ts';
import type { Cgroups } from '../interface.ts';
import { commonCgroups, limitOps, parentsOf, write } from '../layout.ts';
import { parseMemory } from '../memory-size.ts';
import { parsePidsMax, pids } from '../pids.ts';
import { cpu, parseCpuUsec, parseQuota } from './cpu.ts';
import { cpuset } from './cpuset.ts';
import { FREEZE_FILE, freezeState } from './freezer.ts';
import { io, parseIoBytes } from './io.ts';
import { memory, parseOomKills } from './memory.ts';
import { readPressure } from './pressure.ts';

const CONTROLLERS: readonly Controller[] = [cpuset, cpu, memory, pids, io];

/** `mount`: where the unified hierarchy is. Device access is not limited here: v2 has only BPF programs for that, which the launcher loads. */
export function createCgroupsV2(host: Host, mount: string): Cgroups {
  const facts = readFacts(host, mount);
  const present = new Set(words(facts.readRoot('cgroup.controllers')));
  const usable = CONTROLLERS.map(({ name }) => name).filter((name) => present.has(name));
  const controllers = CONTROLLERS.map((controller) => ({
    controller: present.has(controller.name) ? controller : absent(controller),
    mount,
    facts,
  }));
  return {
    version: 2,
    ...commonCgroups(host, { mounts: [mount], controllers }),
    create: (name, resources) => [
      ...directoryOps(host, mount, name, usable),
      ...controllers.flatMap((placed) => limitOps(placed, name, resources)),
    ],
    updateDevices: () => [],
    deviceProgramDirectory: (name) => `${mount}/${name}`,
    joinFiles: (name) => [`${mount}/${name}/cgroup.procs`],
    usage: (name) => readUsage((file) => host.readText(`${mount}/${name}/${file}`)),
    oomKills: (name) => parseOomKills(host.readText(`${mount}/${name}/memory.events`)),
    freeze: (name, frozen) => [write(`${mount}/${name}/${FREEZE_FILE}`, freezeState(frozen))],
    frozen: (name) => host.readText(`${mount}/${name}/${FREEZE_FILE}`)?.trim() === freezeState(true),
  };
}

/** A cgroup has the controllers that its parent hands down, so each parent is told before its child is made. */
function directoryOps(host: Host, mount: string, name: string, controllers: readonly string[]): readonly HostOp[] {
  const ops: HostOp[] = [];
  const handDown = (file: string, names: readonly string[]) => {
    if (names.length > 0) ops.push(write(file, names.map((each) => `+${each}`).join(' ')));
  };
  const enabled = new Set(words(host.readText(`${mount}/cgroup.subtree_control`)));
  const missing = controllers.filter((controller) => !enabled.has(controller));
  handDown(`${mount}/cgroup.subtree_control`, missing);
  for (const parent of parentsOf(name)) {
    ops.push({ op: 'mkdir', path: `${mount}/${parent}` });
    handDown(`${mount}/${parent}/cgroup.subtree_control`, controllers);
  }
  ops.push({ op: 'mkdir', path: `${mount}/${name}` });
  return ops;
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function readUsage(read: (file: string) => string | undefined): Usage | undefined {
  const stat = read('cpu.stat');
  if (stat === undefined) return undefined;
  const peak = read('memory.peak');
  const ioStat = read('io.stat');
  const memoryBytes = parseMemory(read('memory.max') ?? '');
  const count = parsePidsMax(read('pids.max'));
  return {
    cpuUsec: parseCpuUsec(stat),
    memoryBytes: Number(read('memory.current') ?? 0),
    ...(peak !== undefined && { memoryPeakBytes: Number(peak) }),
    pids: Number(read('pids.current') ?? 0),
    ioReadBytes: parseIoBytes(ioStat, 'rbytes'),
    ioWriteBytes: parseIoBytes(ioStat, 'wbytes'),
    oomKills: parseOomKills(read('memory.events')),
    ...readPressure(read),
    limits: {
      ...(memoryBytes !== undefined && { memoryBytes }),
      ...(count !== undefined && { pids: count }),
      ...parseQuota(read('cpu.max')),
    },
  };
}
