import { posix } from 'node:path';
import type { Host } from '../host/host.ts';
import { TsstackError } from '../model/error.ts';

export interface DeviceNumber {
  readonly type: 'block' | 'char';
  /** `8:0`. */
  readonly number: string;
}

/** Links followed at most, as the kernel does (path_resolution(7)). */
const MAX_LINKS = 40;

/** The device that a path names, by links too (`/dev/disk/by-id/…`). Throws `not-found`. */
export function readDeviceNumber(host: Host, path: string): DeviceNumber {
  let current = path;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const stat = host.stat(current);
    if (stat?.type === 'block' || stat?.type === 'char') {
      return { type: stat.type, number: `${major(stat.rdev)}:${minor(stat.rdev)}` };
    }
    const target = stat?.type === 'symlink' ? host.readLink(current) : undefined;
    if (target === undefined) break;
    current = posix.resolve(posix.dirname(current), target);
  }
  throw new TsstackError('not-found', `Cannot find device ${JSON.stringify(path)}`, {
    hint: 'Name a device of the host, such as /dev/sda',
  });
}

/** The C library's packing of st_rdev (gnu_dev_major() in sys/sysmacros.h). */
function major(rdev: number): number {
  const high = Math.floor(rdev / 2 ** 32) & 0xfffff000;
  return ((rdev >>> 8) & 0xfff) | high;
}

function minor(rdev: number): number {
  return (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
}
