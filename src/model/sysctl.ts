/** Namespaces that a container has of its own, or shares with another container. */
export interface SysctlNamespaces {
  readonly network: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
}

/** Keys of the IPC namespace (runc libcontainer/configs/validate). */
const IPC_KEYS = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

/** A kernel parameter, as `net.core.somaxconn` and below /proc/sys. */
export interface SysctlKey {
  readonly name: string;
  readonly path: string;
}

/** As sysctl(8): whichever of `.` and `/` comes first separates; with `/`, a dot is part of a name (`eth0.100`). */
export function parseSysctlKey(key: string): SysctlKey | undefined {
  const parts = /^[^./]*\//.test(key) ? key.split('/') : key.split('.').map((part) => part.replaceAll('/', '.'));
  if (parts.length < 2 || parts.some((part) => !/^[A-Za-z0-9_@:-][A-Za-z0-9_.@:-]*$/.test(part))) return undefined;
  return { name: key.replaceAll('/', '.'), path: parts.join('/') };
}

/** Why a container cannot have a parameter of its own; undefined: it can. Any other would change the host. */
export function sysctlRefusal(key: string, own: SysctlNamespaces): string | undefined {
  const parsed = parseSysctlKey(key);
  if (parsed === undefined) return 'it is not the name of a kernel parameter';
  const { name, path } = parsed;
  if (path.startsWith('net/')) return own.network ? undefined : "the container shares the host's network";
  if (name === 'kernel.hostname') return 'that is what "hostname" is for';
  if (name === 'kernel.domainname') return own.uts ? undefined : "the container shares the host's UTS namespace";
  if (!IPC_KEYS.test(name)) return 'it would change the host';
  return own.ipc ? undefined : "the container shares the host's IPC namespace";
}

/** What containers have of their own, for hints. */
export const SYSCTL_HINT =
  'Only net.*, kernel.msg*, kernel.sem, kernel.shm*, kernel.domainname and fs.mqueue.* are per container.';
