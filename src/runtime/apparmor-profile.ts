import type { Host } from '../host/host.ts';
import type { HostOp } from '../host/op.ts';
import { DEFAULT_PROFILE, LOADED_PROFILES } from '../model/apparmor.ts';
import type { KernelFacts } from './kernel-facts.ts';

const REMOVE = '/sys/kernel/security/apparmor/.remove';

/**
 * As Docker's own (moby profiles/apparmor/template.go): everything that the other walls leave is allowed but mounts and
 * writing to the machine's part of /proc and /sys, for containers that see those unmasked or have more capabilities.
 * Without includes: those of the machine may say anything. Paths are those inside, from the container's root.
 */
const PROFILE = `profile ${DEFAULT_PROFILE} flags=(attach_disconnected,mediate_deleted) {
  network,
  capability,
  file,
  umount,
  signal (receive) peer=unconfined,
  signal (send, receive) peer=${DEFAULT_PROFILE},
  ptrace (trace, read, tracedby, readby) peer=${DEFAULT_PROFILE},

  deny mount,

  # Of /proc: directories of processes, and of sys only kernel/shm*.
  deny /proc/* w,
  deny /proc/[^1-9s]*/** w,
  deny /proc/s[^y]*/** w,
  deny /proc/sys[^/]*/** w,
  deny /proc/sys/[^k]** w,
  deny /proc/sys/k[^e]** w,
  deny /proc/sys/kernel/{?,??,[^s]**,s[^h]**,sh[^m]**} w,
  deny /proc/sysrq-trigger rwklx,
  deny /proc/kcore rwklx,

  # Of /sys: fs/cgroup.
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,
}
`;

/** Loads the profile, where containers get it; whatever is there under its name is replaced. */
export function loadDefaultProfile({ labels }: Pick<KernelFacts, 'labels'>): readonly HostOp[] {
  if (labels.appArmor?.profile !== DEFAULT_PROFILE) return [];
  return [{ op: 'run', argv: ['apparmor_parser', '--replace', '--skip-cache'], stdin: PROFILE }];
}

/**
 * With the profile that containers get if nothing is said, after it has been loaded (replaced, where another version of us
 * has). A machine on which it cannot be loaded does without, as with Docker; `tell` gets the reason.
 */
export async function withDefaultProfile(
  host: Pick<Host, 'readText' | 'perform'>,
  kernel: KernelFacts,
  tell: (message: string) => void,
): Promise<KernelFacts> {
  const { labels } = kernel;
  if (labels.appArmor === undefined || host.readText(LOADED_PROFILES) === undefined) return kernel;
  const withProfile = { ...kernel, labels: { ...labels, appArmor: { ...labels.appArmor, profile: DEFAULT_PROFILE } } };
  try {
    await host.perform(loadDefaultProfile(withProfile));
    return withProfile;
  } catch (error) {
    tell(`Containers have no AppArmor profile: ${error instanceof Error ? error.message : String(error)}`);
    return kernel;
  }
}

/** When no container runs and none is about to. */
export async function removeDefaultProfile(
  host: Pick<Host, 'perform'>,
  { labels }: Pick<KernelFacts, 'labels'>,
  tell: (message: string) => void,
): Promise<void> {
  if (labels.appArmor?.profile !== DEFAULT_PROFILE) return;
  try {
    await host.perform([{ op: 'write-in-place', path: REMOVE, data: DEFAULT_PROFILE, tolerateAbsent: true }]);
  } catch (error) {
    tell(`The AppArmor profile ${DEFAULT_PROFILE} stays: ${error instanceof Error ? error.message : String(error)}`);
  }
}
