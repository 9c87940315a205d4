import type { Host } from '../host/host.ts';

/** What gives programs labels, on a machine that has it; the file names the label of the next execution. */
export interface LabelFacts {
  /** `profile`: what containers get that ask for none, and that is loaded. */
  readonly appArmor?: { readonly file: string; readonly profile?: string };
  /** `context`: of containers, or our own. */
  readonly seLinux?: { readonly file: string; readonly context: string };
}

const ENABLED = '/sys/module/apparmor/parameters/enabled';
/** Since Linux 5.8; where several modules are stacked, `attr/exec` is of one of them only. */
const APPARMOR_FILE = '/proc/self/attr/apparmor/exec';
const COMMON_FILE = '/proc/self/attr/exec';
const SELINUX = '/sys/fs/selinux/enforce';
/** container-selinux(8), as Docker and Podman read it. */
const CONTEXTS = '/etc/selinux/targeted/contexts/lxc_contexts';

/** Looks at /sys and /proc. */
export function readLabelFacts(host: Host): LabelFacts {
  const appArmor = host.readText(ENABLED)?.startsWith('Y') === true;
  const seLinux = host.readText(SELINUX) !== undefined;
  const own = host.stat(APPARMOR_FILE) === undefined ? COMMON_FILE : APPARMOR_FILE;
  return {
    ...(appArmor && { appArmor: { file: own } }),
    ...(seLinux && { seLinux: { file: COMMON_FILE, context: usualContext(host) } }),
  };
}

/** `system_u:system_r:container_t:s0` */
function usualContext(host: Host): string {
  const [, process] = /^\s*process\s*=\s*"([^"]+)"/m.exec(host.readText(CONTEXTS) ?? '') ?? [];
  return process ?? (host.readText('/proc/self/attr/current') ?? '').replace(/[\0\n]+$/, '');
}
