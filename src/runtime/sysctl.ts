import { TsstackError } from '../model/error.ts';

export interface SysctlNamespaces {
  readonly network: boolean;
  readonly ipc: boolean;
}

export interface Sysctl {
  /** `net.core.somaxconn` */
  readonly name: string;
  /** Below /proc/sys. */
  readonly path: string;
  readonly value: string;
  /** One of our defaults: this kernel may be built without it. */
  readonly optional: boolean;
}

/** Docker's defaults of a container with its own network namespace: ping and low ports without capabilities. */
const NETWORK_DEFAULTS: Readonly<Record<string, string>> = {
  'net.ipv4.ping_group_range': '0 2147483647',
  'net.ipv4.ip_unprivileged_port_start': '0',
};

/** Keys of the IPC namespace (runc libcontainer/configs/validate). */
const IPC_KEYS = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

/**
 * What to write below /proc/sys. Only keys that belong to a namespace of the container's own: any other would change
 * the host. Throws `launch-failed` for those.
 */
export function containerSysctls(wanted: Readonly<Record<string, string>>, own: SysctlNamespaces): readonly Sysctl[] {
  const asked = Object.entries(wanted).map(([key, value]) => toSysctl(key, value, own));
  const names = new Set(asked.map(({ name }) => name));
  const defaults = Object.entries(own.network ? NETWORK_DEFAULTS : {})
    .filter(([name]) => !names.has(name))
    .map(([name, value]) => ({ name, path: name.replaceAll('.', '/'), value, optional: true }));
  return [...defaults, ...asked];
}

/** As sysctl(8): whichever of `.` and `/` comes first separates; with `/`, a dot is part of a name (`eth0.100`). */
function toSysctl(key: string, value: string, own: SysctlNamespaces): Sysctl {
  const parts = /^[^./]*\//.test(key) ? key.split('/') : key.split('.').map((part) => part.replaceAll('/', '.'));
  const name = key.replaceAll('/', '.');
  if (parts.length < 2 || parts.some((part) => !/^[A-Za-z0-9_@:-][A-Za-z0-9_.@:-]*$/.test(part))) {
    throw refuse(key, 'it is not the name of a kernel parameter');
  }
  const isNetwork = parts[0] === 'net';
  if (!isNetwork && !IPC_KEYS.test(name)) throw refuse(key, 'it would change the host');
  if (isNetwork && !own.network) throw refuse(key, "the container shares the host's network");
  if (!isNetwork && !own.ipc) throw refuse(key, "the container shares the host's IPC namespace");
  return { name, path: parts.join('/'), value, optional: false };
}

function refuse(key: string, reason: string): TsstackError {
  return new TsstackError('launch-failed', `Cannot set sysctl ${JSON.stringify(key)}: ${reason}`, {
    hint: 'Only net.*, kernel.msg*, kernel.sem, kernel.shm* and fs.mqueue.* are per container.',
  });
}
