import type { Host } from '../host/host.ts';
import type { HostOp } from '../host/op.ts';
import type { VolumeSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import { type Paths, volumeData, volumeDirectory } from '../store/paths.ts';

/** A server that does not answer: mount.nfs(8) tries for two minutes. */
const MOUNT_TIMEOUT_MS = 150_000;

/**
 * File systems that need a program of their own, mount.TYPE(8), to be mounted. For others mount(8) runs none: some hand
 * the device to a shell (mount.fuse(8)), and a stack file may not start programs on the host.
 */
const NEED_HELPER = ['nfs', 'nfs4', 'cifs', 'smb3'];

type Mounted = Pick<VolumeSpec, 'name' | 'driverOptions'>;

/** Whether something is mounted at the volume's directory when it is used. */
export function hasMount({ driverOptions }: Mounted): boolean {
  return Object.keys(driverOptions).length > 0;
}

/** Words for mount(8) but the target, as Docker's local driver reads its options. Throws `usage`. */
export function mountArguments(volume: Mounted): readonly string[] {
  const { type: given, device: source, o = '', ...unknown } = volume.driverOptions;
  const options = o.split(',').filter((option) => option !== '');
  const [other] = Object.keys(unknown);
  if (other !== undefined) throw wrong(volume, other, 'is not done', 'The options are type, device and o.');
  const bind = options.some((option) => option === 'bind' || option === 'rbind');
  const type = given ?? (bind ? 'none' : undefined);
  if (type === undefined) throw wrong(volume, 'type', 'is missing', 'Write type: nfs, type: tmpfs, or o: bind.');
  const device = source ?? (type === 'tmpfs' ? 'tmpfs' : undefined);
  if (device === undefined)
    throw wrong(volume, 'device', 'is missing', 'Write what is mounted: a directory, server:/path.');
  if (bind && !device.startsWith('/')) {
    throw wrong(volume, 'device', `is no absolute path: "${device}"`, 'Write the whole path, from / on.');
  }
  if (!/^[a-z0-9_]+$/.test(type) || type.startsWith('fuse')) {
    const hint = 'Name a file system of the kernel; mount others on this machine, and bind that: o: bind.';
    throw wrong(volume, 'type', `is not done: "${type}"`, hint);
  }
  const isNfs = type === 'nfs' || type === 'nfs4';
  const words = options.length === 0 ? [] : ['-o', options.join(',')];
  return [...withoutHelper(type), '-t', type, ...words, '--', isNfs ? nfsDevice(volume, device, options) : device];
}

function withoutHelper(type: string | undefined): readonly string[] {
  return NEED_HELPER.includes(type ?? '') ? [] : ['--internal-only'];
}

/** Docker takes the server out of `o: addr=…` where the device is `:/path`; mount.nfs(8) wants it in the device. */
function nfsDevice(volume: Mounted, device: string, options: readonly string[]): string {
  if (!device.startsWith(':')) return device;
  const address = options.find((option) => option.startsWith('addr='))?.slice('addr='.length);
  if (address === undefined) {
    throw wrong(volume, 'o', 'has no "addr=" of the server', 'Write o: addr=SERVER, or device: SERVER:/path.');
  }
  return `${address.includes(':') ? `[${address}]` : address}${device}`;
}

function wrong({ name }: Mounted, option: string, what: string, hint: string): TsstackError {
  return new TsstackError('usage', `Cannot use volume "${name}": driver_opts.${option} ${what}`, { hint });
}

/**
 * Mounts what `driver_opts` say at the volume's directory; nothing for a volume without them, or one that is mounted.
 * Containers that start at once wait for each other. A slave: what is mounted below the source comes along, and
 * unmounting never goes back to the source. Throws `usage`.
 */
export function mountVolume(paths: Paths, volume: Mounted): readonly HostOp[] {
  if (!hasMount(volume)) return [];
  const script =
    'mountpoint -q -- "$1" && exit; target=$1; shift; mount "$@" "$target" && mount --make-rslave -- "$target"';
  const { name } = volume;
  const words = ['sh', '-c', script, 'sh', volumeData(paths, name), ...mountArguments(volume)];
  // --close: a helper of mount(8) that stays must not keep the lock.
  const argv = ['flock', '--close', volumeDirectory(paths, name), ...words];
  return [{ op: 'run', argv, timeoutMs: MOUNT_TIMEOUT_MS }];
}

/** Takes the mount away, also from under a process of the host that is in there; what was mounted keeps its data. */
export function unmountVolume(paths: Paths, volume: Mounted): readonly HostOp[] {
  if (!hasMount(volume)) return [];
  const script = 'if mountpoint -q -- "$1"; then target=$1; shift; exec umount --lazy "$@" -- "$target"; fi';
  const words = withoutHelper(volume.driverOptions['type']);
  return [{ op: 'run', argv: ['sh', '-c', script, 'sh', volumeData(paths, volume.name), ...words] }];
}

/** Whether the volume's directory is a mount point in our namespace, proc_pid_mountinfo(5). */
export function isVolumeMounted(host: Pick<Host, 'readText'>, paths: Paths, name: string): boolean {
  const data = volumeData(paths, name);
  return (host.readText('/proc/self/mountinfo') ?? '').split('\n').some((line) => line.split(' ')[4] === data);
}
