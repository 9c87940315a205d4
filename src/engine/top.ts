import type { Host } from '../host/host.ts';
import type { ContainerProcess, ContainerProcesses } from '../model/processes.ts';
import { cgroupName } from '../store/paths.ts';
import { listContainers } from './containers.ts';
import type { Engine } from './engine.ts';
import { userNames } from './user-names.ts';

/** Clock ticks a second in what the kernel shows (USER_HZ): 100 on every architecture that we know. */
const TICKS_PER_SECOND = 100;

/** The processes of the containers that run or are paused: who is in their cgroups, whatever started it. */
export async function top(
  engine: Engine,
  stack: string,
  services: readonly string[],
): Promise<readonly ContainerProcesses[]> {
  const { host, cgroups } = engine.machine;
  const bootedAtMs = Number(/^btime ([0-9]+)$/m.exec(host.readText('/proc/stat') ?? '')?.[1] ?? 0) * 1000;
  const up = listContainers(engine, stack, services).filter(({ observed }) => observed.pid !== undefined);
  return await Promise.all(
    up.map(async ({ record: { key, spec }, observed: { pid = 0 } }) => {
      const nameOf = await userNames(engine.machine, spec, pid);
      const times = { bootedAtMs, nowMs: engine.machine.now() };
      const inside = cgroups.none === undefined ? cgroups.processes(cgroupName(key)) : processesBeside(host, pid);
      const processes = inside.flatMap((each) => readProcess(host, each, times) ?? []);
      return { ...key, name: spec.name, processes: processes.map((each) => ({ ...each, user: nameOf(each.uid) })) };
    }),
  );
}

/** Who is in the pid namespace of a process: all of its container, where there is no cgroup to ask. */
function processesBeside(host: Pick<Host, 'readDirectory' | 'readLink'>, pid: number): readonly number[] {
  const namespaceOf = (name: string): string | undefined => {
    try {
      return host.readLink(`/proc/${name}/ns/pid`);
    } catch {
      // Of strangers the kernel does not say.
      return undefined;
    }
  };
  const own = namespaceOf(String(pid));
  const names = host.readDirectory('/proc').filter((name) => /^\d+$/.test(name));
  return own === undefined ? [] : names.filter((name) => namespaceOf(name) === own).map(Number);
}

/** One process from /proc (proc_pid_stat(5)); undefined when it has ended. */
export function readProcess(
  host: Pick<Host, 'readText'>,
  pid: number,
  { bootedAtMs, nowMs }: { readonly bootedAtMs: number; readonly nowMs: number },
): Omit<ContainerProcess, 'user'> | undefined {
  const match = /^[0-9]+ \((.*)\) (.*)$/s.exec((host.readText(`/proc/${pid}/stat`) ?? '').trim());
  const uid = /^Uid:\s+[0-9]+\s+([0-9]+)/m.exec(host.readText(`/proc/${pid}/status`) ?? '')?.[1];
  if (match === null || uid === undefined) return undefined;
  // Field 3 of the man page, the state, is the first one here.
  const field = (number: number): number => Number((match[2] ?? '').split(' ')[number - 3] ?? 0);
  const startedAtMs = bootedAtMs + (field(22) / TICKS_PER_SECOND) * 1000;
  const cpuMs = ((field(14) + field(15)) / TICKS_PER_SECOND) * 1000;
  const words = (host.readText(`/proc/${pid}/cmdline`) ?? '').replace(/\0+$/, '').replaceAll('\0', ' ');
  const tty = ttyName(field(7));
  return {
    uid: Number(uid),
    pid,
    ppid: field(4),
    cpuPercent: nowMs > startedAtMs ? Math.floor((cpuMs / (nowMs - startedAtMs)) * 100) : 0,
    startedAtMs,
    ...(tty !== undefined && { tty }),
    cpuMs,
    command: words === '' ? `[${match[1]}]` : words,
  };
}

/** Device numbers of Linux: Documentation/admin-guide/devices.txt; 136 to 143 are Unix98 pseudo terminals. */
function ttyName(device: number): string | undefined {
  if (device === 0) return undefined;
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : `${major}:${minor}`;
}
