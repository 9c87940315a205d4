import { TsstackError } from '../model/error.ts';
import { parseSysctlKey, SYSCTL_HINT, type SysctlNamespaces, sysctlRefusal } from '../model/sysctl.ts';

/** `lastGid`: the last group that there is; absent: as the kernel's numbers go. */
export type OwnNamespaces = SysctlNamespaces & { readonly lastGid?: number | undefined };

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
function networkDefaults({ lastGid = 2 ** 31 - 1 }: OwnNamespaces): Readonly<Record<string, string>> {
  return { 'net.ipv4.ping_group_range': `0 ${lastGid}`, 'net.ipv4.ip_unprivileged_port_start': '0' };
}

/**
 * What to write below /proc/sys. Only keys that belong to a namespace of the container's own: any other would change
 * the host. Throws `launch-failed` for those.
 */
export function containerSysctls(wanted: Readonly<Record<string, string>>, own: OwnNamespaces): readonly Sysctl[] {
  const asked = Object.entries(wanted).map(([key, value]) => toSysctl(key, value, own));
  const names = new Set(asked.map(({ name }) => name));
  const defaults = Object.entries(own.network ? networkDefaults(own) : {})
    .filter(([name]) => !names.has(name))
    .map(([name, value]) => ({ name, path: name.replaceAll('.', '/'), value, optional: true }));
  return [...defaults, ...asked];
}

function toSysctl(key: string, value: string, own: SysctlNamespaces): Sysctl {
  const refusal = sysctlRefusal(key, own);
  const parsed = parseSysctlKey(key);
  if (refusal !== undefined || parsed === undefined) {
    throw new TsstackError('launch-failed', `Cannot set sysctl ${JSON.stringify(key)}: ${refusal}`, {
      hint: SYSCTL_HINT,
    });
  }
  return { ...parsed, value, optional: false };
}
