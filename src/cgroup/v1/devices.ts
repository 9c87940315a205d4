import type { Host } from '../../host/host.ts';
import type { Device } from '../../model/limits.ts';
import { readDeviceNumber } from '../device-number.ts';

/**
 * What every container may do (the OCI runtime specification's default devices, as runc allows them): make any node,
 * use null, zero, full, random, urandom, tty, console, ptmx and the pseudo-terminals.
 */
const DEFAULT_ALLOW = [
  'c *:* m',
  'b *:* m',
  'c 1:3 rwm',
  'c 1:5 rwm',
  'c 1:7 rwm',
  'c 1:8 rwm',
  'c 1:9 rwm',
  'c 5:0 rwm',
  'c 5:1 rwm',
  'c 5:2 rwm',
  'c 136:* rwm',
];

/**
 * Writes for a new cgroup, one rule a write (kernel: admin-guide/cgroup-v1/devices.rst): everything denied, then what is
 * allowed. A privileged container keeps its parent's access, which is to all.
 */
export function deviceWrites(
  host: Host,
  access: 'all' | readonly Device[],
): readonly (readonly [file: string, data: string])[] {
  if (access === 'all') return [];
  const asked = access.map((device) => {
    const { type, number } = readDeviceNumber(host, device.source);
    return `${type === 'block' ? 'b' : 'c'} ${number} ${device.permissions || 'rwm'}`;
  });
  return [['devices.deny', 'a'], ...[...DEFAULT_ALLOW, ...asked].map((rule) => ['devices.allow', rule] as const)];
}
