import { posix } from 'node:path';
import type { Host } from '../host/host.ts';
import { livingProcess } from '../host/process.ts';
import { unescapeOctal } from '../lib/unescape-octal.ts';
import type { Drift } from '../model/observed.ts';
import { insideDrift } from '../network/inside.ts';
import { hostsOf } from '../network/network-owner.ts';
import { ownerRecord } from '../store/owner-record.ts';
import { cgroupName, containerPaths, netnsPath } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { ObserveContext } from './context.ts';

const MOST_LINKS = 40;

/** What a running process lacks of what it was started with: its cgroup, its namespace's name, addresses, mounts. */
export function processDrift(context: ObserveContext, record: ContainerRecord, pid: number): readonly Drift[] {
  const { host, cgroups } = context;
  const { key, spec, endpoints } = record;
  const found: Drift[] = [];
  const cgroup = cgroupName(key);
  if (!cgroups.processes(cgroup).includes(pid) && cgroups.exists(cgroup)) {
    found.push({ kind: 'resources', message: `process ${pid} is not in cgroup ${cgroup}` });
  }
  if (spec.networkMode.type === 'networks') {
    if (namespaceIsLost(host, record, pid)) {
      found.push({ kind: 'network', message: `${netnsPath(key)} is not the network namespace of process ${pid}` });
    }
    found.push(...insideDrift(host, pid, endpoints));
  }
  return [...found, ...ipcDrift(context, record, pid), ...mountDrift(host, record, pid)];
}

/** The IPC namespace of another container is made anew when that one starts again. */
function ipcDrift({ host, paths, records }: ObserveContext, { spec }: ContainerRecord, pid: number): readonly Drift[] {
  const { ipc } = spec.namespaces;
  const owner = typeof ipc === 'object' ? ownerRecord(records, spec, ipc) : undefined;
  const holder = owner && livingProcess(host, containerPaths(paths, owner.key).init);
  if (owner === undefined || holder === undefined) return [];
  const [own, held] = [pid, holder.pid].map((each) => host.readLink(`/proc/${each}/ns/ipc`));
  if (own === undefined || held === undefined || own === held) return [];
  return [{ kind: 'mounts', message: `it is not in the IPC namespace of "${owner.spec.name}", which started again` }];
}

/** A hosts file that somebody wrote to; one that is gone still is in the container. */
export function namesDrift({ host, paths, records }: ObserveContext, record: ContainerRecord): readonly Drift[] {
  const { key, spec, endpoints } = record;
  const text = host.readText(containerPaths(paths, key).hosts);
  if (text === undefined || text === hostsOf({ records }, spec, endpoints)) return [];
  return [{ kind: 'names', message: 'its /etc/hosts is not as it was written' }];
}

/** A name that is there, but leads elsewhere; one that is missing is seen with the links. */
function namespaceIsLost(host: Host, { key }: ContainerRecord, pid: number): boolean {
  const own = /^net:\[(\d+)\]$/.exec(host.readLink(`/proc/${pid}/ns/net`) ?? '')?.[1];
  const named = host.stat(netnsPath(key));
  return own !== undefined && named !== undefined && named.inode !== Number(own);
}

function mountDrift(host: Host, { spec }: ContainerRecord, pid: number): readonly Drift[] {
  const targets = [...spec.mounts, ...(spec.files ?? [])].map(({ target }) => target);
  if (targets.length === 0) return [];
  const text = host.readText(`/proc/${pid}/mountinfo`);
  // Empty: it is about to end.
  if (text === undefined || text === '') return [];
  const points = new Set(text.split('\n').map((line) => unescapeOctal(line.split(' ')[4] ?? '')));
  return targets
    .filter((target) => !points.has(resolveInside(host, pid, target)))
    .map((target) => ({ kind: 'mounts', message: `nothing is mounted on ${target}` }));
}

/** The path that the kernel knows a mount point by: links of the container's root are followed inside it. */
function resolveInside(host: Host, pid: number, target: string): string {
  const parts = target.split('/').filter((part) => part !== '');
  let at = '/';
  for (let links = 0; parts.length > 0; ) {
    const next = posix.join(at, parts.shift() ?? '');
    const link = links < MOST_LINKS ? host.readLink(`/proc/${pid}/root${next}`) : undefined;
    if (link === undefined) {
      at = next;
      continue;
    }
    links += 1;
    if (link.startsWith('/')) at = '/';
    parts.unshift(...link.split('/').filter((part) => part !== ''));
  }
  return at;
}
