import { CAPABILITIES } from '../model/capabilities.ts';
import { TsstackError } from '../model/error.ts';
import type { Security } from '../model/limits.ts';
import type { KernelFacts } from './kernel-facts.ts';

/** Docker's default set (moby daemon/pkg/oci/caps/defaults.go). */
const DEFAULT: ReadonlySet<string> = new Set([
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
]);

/**
 * The capabilities that a container's root has, in the kernel's order: Docker's default set, `cap_add` and `cap_drop`,
 * privileged containers all of them; never more than we have ourselves.
 *
 * cgroup v2 has no device list but a BPF program, which not everybody may load: where it is not, MKNOD is not in the
 * default set (and the root filesystem is mounted nodev).
 */
export function containerCapabilities(security: Security, kernel: KernelFacts): readonly string[] {
  const { privileged, capAdd, capDrop } = security;
  for (const name of [...capAdd, ...capDrop]) {
    if (name !== 'ALL' && !CAPABILITIES.includes(name)) {
      throw new TsstackError('launch-failed', `There is no capability ${JSON.stringify(name)}`, {
        hint: 'See capabilities(7) for their names.',
      });
    }
  }
  const ours = BigInt(`0x${kernel.boundingSet}`);
  return CAPABILITIES.filter((name, number) => {
    if (number > kernel.lastCapability || ((ours >> BigInt(number)) & 1n) === 0n) return false;
    if (privileged) return true;
    if (capAdd.includes('ALL')) return !capDrop.includes(name);
    if (capAdd.includes(name)) return true;
    if (capDrop.includes('ALL') || capDrop.includes(name)) return false;
    return DEFAULT.has(name) && (name !== 'MKNOD' || guardsDevices(kernel));
  });
}

/** Whether a cgroup decides which devices a container may open: where none does, mounts must not have devices. */
export function guardsDevices(kernel: KernelFacts): boolean {
  if (kernel.devicePrograms === true) return true;
  return kernel.cgroupMounts.some(({ options }) => options.split(',').includes('devices'));
}

/** As a bit mask. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
}
