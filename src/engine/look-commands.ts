import { dirname } from 'node:path';
import type { Cgroups } from '../cgroup/interface.ts';
import type { Host } from '../host/host.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { netnsName } from '../model/address.ts';
import type { Endpoint } from '../model/container.ts';
import { networkLabel } from '../model/container.ts';
import type { LookCommand } from '../model/inspection.ts';
import { withLive } from '../model/live.ts';
import { CUT_TABLES } from '../network/cut.ts';
import { TABLE } from '../network/nft.ts';
import { shaperName } from '../network/shape.ts';
import { cgroupName, containerPaths, type Paths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';

interface Machine {
  readonly host: Pick<Host, 'stat'>;
  readonly paths: Paths;
  readonly cgroups: Pick<Cgroups, 'procsFiles'>;
}

/** Files that hold limits, of cgroup v2 and v1; each is where its controller is. */
const LIMIT_FILES = [
  ...['memory.max', 'cpu.max', 'pids.max'],
  ...['memory.limit_in_bytes', 'cpu.cfs_quota_us', 'cpuset.cpus'],
];

/** The commands that lead to what a container is made of, as `inspect` lists them. `pid`: while it runs. */
export function lookCommands(
  machine: Machine,
  record: ContainerRecord,
  pid: number | undefined,
): readonly LookCommand[] {
  const { key, endpoints } = record;
  return [
    ...(pid === undefined ? [] : processCommands(pid)),
    ...(endpoints.length === 0
      ? []
      : [
          look('its interfaces and addresses', 'ip', 'netns', 'exec', netnsName(key), 'ip', 'address'),
          look('its routes', 'ip', 'netns', 'exec', netnsName(key), 'ip', 'route'),
          look('published ports, isolation and masquerading', 'nft', 'list', 'table', ...TABLE.split(' ')),
        ]),
    ...endpoints.flatMap(linkCommands),
    ...withLive(endpoints, record.live).flatMap(shapeCommands),
    ...(record.live?.cuts === undefined
      ? []
      : CUT_TABLES.map((table) => look('whom it is cut off from', 'nft', 'list', 'table', ...table.split(' ')))),
    ...cgroupCommands(machine, record),
    look('what it wrote last', 'tail', '-n', '20', containerPaths(machine.paths, key).log),
    look('its files on the host', 'ls', '-l', containerPaths(machine.paths, key).directory),
  ];
}

function linkCommands(endpoint: Endpoint): readonly LookCommand[] {
  const { hostInterface, bridge, parent } = endpoint;
  const network = networkLabel(endpoint);
  const show = (what: string, kind: string, device: string | undefined) =>
    device === undefined ? [] : [look(`${what} network ${network}`, 'ip', kind, 'show', 'dev', device)];
  return [
    ...show("the host's end of its link to", 'link', hostInterface),
    ...show('the bridge of', 'address', bridge),
    ...show('the interface below its own on', 'address', parent?.device),
  ];
}

function shapeCommands(endpoint: Endpoint): readonly LookCommand[] {
  const { hostInterface, shape } = endpoint;
  const network = networkLabel(endpoint);
  if (hostInterface === undefined) return [];
  return [
    ...(shape?.inbound === undefined ? [] : [queue(`what it gets from network ${network}`, hostInterface)]),
    ...(shape?.outbound === undefined ? [] : [queue(`what it sends to network ${network}`, shaperName(hostInterface))]),
  ];
}

function processCommands(pid: number): readonly LookCommand[] {
  return [
    look('a shell in all its namespaces', 'nsenter', '--target', String(pid), '--all', 'sh'),
    look('its namespaces', 'ls', '-l', `/proc/${pid}/ns`),
    look('its mounts', 'cat', `/proc/${pid}/mountinfo`),
    look('its ids, capabilities and seccomp mode', 'cat', `/proc/${pid}/status`),
    look('its limits (ulimits)', 'cat', `/proc/${pid}/limits`),
  ];
}

function cgroupCommands({ host, cgroups }: Machine, { key }: ContainerRecord): readonly LookCommand[] {
  const procs = cgroups.procsFiles(cgroupName(key)).filter((file) => host.stat(file) !== undefined);
  const limits = procs
    .flatMap((file) => LIMIT_FILES.map((name) => `${dirname(file)}/${name}`))
    .filter((file) => host.stat(file) !== undefined);
  return [
    ...procs.slice(0, 1).map((file) => look('its processes, as its cgroup has them', 'cat', file)),
    ...limits.map((file) => look('a limit, as the kernel has it', 'cat', file)),
  ];
}

function queue(what: string, device: string): LookCommand {
  return look(`how ${what} is shaped, and what was dropped`, 'tc', '-s', 'qdisc', 'show', 'dev', device);
}

function look(shows: string, ...argv: readonly string[]): LookCommand {
  return { shows, command: argv.map(shellQuote).join(' ') };
}
