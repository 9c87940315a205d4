import type { HostOp } from '../host/op.ts';
import { livingProcess, parseProcessStat } from '../host/process.ts';
import { type ContainerKey, netnsName } from '../model/address.ts';
import { cgroupName, containerPaths, netnsPath } from '../store/paths.ts';
import type { MachineContext } from './context.ts';

type Context = Pick<MachineContext, 'cgroups' | 'host' | 'paths'>;

/** Puts a running container's processes back into its cgroups; none where its first process is in them. */
export function joinCgroups({ cgroups, host, paths }: Context, key: ContainerKey): readonly HostOp[] {
  const name = cgroupName(key);
  const init = livingProcess(host, containerPaths(paths, key).init);
  if (init === undefined || cgroups.processes(name).includes(init.pid)) return [];
  return processTree(host, init.pid).flatMap((pid) =>
    cgroups.procsFiles(name).map((path): HostOp => ({ op: 'write-in-place', path, data: String(pid) })),
  );
}

/** Gives the network namespace of a running container its name again; none where it has it. */
export function nameNamespace({ host, paths }: Context, key: ContainerKey): readonly HostOp[] {
  const init = livingProcess(host, containerPaths(paths, key).init);
  const own = init && /\[(\d+)\]/.exec(host.readLink(`/proc/${init.pid}/ns/net`) ?? '')?.[1];
  if (init === undefined || own === undefined || host.stat(netnsPath(key))?.inode === Number(own)) return [];
  const name = netnsName(key);
  return [
    { op: 'ip', args: ['netns', 'del', name], tolerate: 'absent' },
    { op: 'ip', args: ['netns', 'attach', name, String(init.pid)] },
  ];
}

/** A process and everything that it started. */
function processTree(host: Context['host'], root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of host.readDirectory('/proc').filter((each) => /^\d+$/.test(each))) {
    const stat = parseProcessStat(host.readText(`/proc/${name}/stat`) ?? '');
    if (stat !== undefined) children.set(stat.parentPid, [...(children.get(stat.parentPid) ?? []), stat.pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}
