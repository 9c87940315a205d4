import type { HostOp } from '../host/op.ts';
import { stableJson } from '../lib/stable-json.ts';
import type { VolumeSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import { type Paths, volumeData, volumeDirectory } from '../store/paths.ts';
import { mountVolume, unmountVolume } from './mount.ts';

/**
 * The volume's directory, what its driver options mount there, and its description beside it. An existing one is left as
 * it is. Throws `usage` for a driver or driver option that is not there.
 */
export function createVolume(paths: Paths, volume: VolumeSpec): readonly HostOp[] {
  checkDriver(volume);
  return [
    { op: 'mkdir', path: volumeDirectory(paths, volume.name), mode: 0o700 },
    { op: 'mkdir', path: volumeData(paths, volume.name), mode: 0o755 },
    ...mountVolume(paths, volume),
    { op: 'write-file', path: volumeDescription(paths, volume.name), data: `${stableJson(volume)}\n`, mode: 0o600 },
  ];
}

/** The volume with its data, but for data that was mounted: it stays where it is. An absent one is fine. */
export function removeVolume(paths: Paths, volume: Pick<VolumeSpec, 'name' | 'driverOptions'>): readonly HostOp[] {
  return [...unmountVolume(paths, volume), { op: 'remove', path: volumeDirectory(paths, volume.name) }];
}

/**
 * Fills a new volume with what the image has at its mount point, as Docker does: content, owners, modes, attributes,
 * those of the directory itself too. `sources`: the image's directories there, top first; none does nothing. The caller
 * looks that the volume is empty. Several are merged by an overlay.
 */
export function fillVolume(paths: Paths, name: string, sources: readonly string[]): readonly HostOp[] {
  const argv = fillArguments(paths, name, sources);
  return argv === undefined ? [] : [{ op: 'run', argv, timeoutMs: COPY_TIMEOUT_MS }];
}

/** The same for one that may be mounted only just before: looks itself whether it is empty. */
export function fillMountedVolume(paths: Paths, name: string, sources: readonly string[]): readonly HostOp[] {
  const argv = fillArguments(paths, name, sources);
  if (argv === undefined) return [];
  const script = 'test -n "$(ls -A -- "$1")" && exit; shift; exec "$@"';
  return [
    { op: 'run', argv: ['sh', '-c', script, 'sh', volumeData(paths, name), ...argv], timeoutMs: COPY_TIMEOUT_MS },
  ];
}

function fillArguments(paths: Paths, name: string, sources: readonly string[]): readonly string[] | undefined {
  if (sources.length === 0) return undefined;
  const words = ['sh', '-c', FILL_SCRIPT, 'sh', volumeData(paths, name), ...sources];
  return ['unshare', '--mount', '--propagation', 'private', ...words];
}

/**
 * `$1` is the volume's data, the rest are directories, top first. The copy sees a root of its own, in a mount namespace
 * that ends with it: what the host's programs need, read-only, the image's directory, and the volume. So a container
 * that has the volume already, and puts a link into it while we copy, leads nowhere (cp follows a directory that has
 * become a link). /sys is only the place where that root is put: it is there on every machine, and nothing of ours is.
 */
const FILL_SCRIPT = `set -eu
volume=$1
shift
root=/sys
mount -t tmpfs -o mode=700,size=1m tsstack-fill "$root"
links=
for each in /usr /bin /sbin /lib /lib32 /lib64 /libx32 /nix /gnu; do
  if [ -L "$each" ]; then links="$links $each"
  elif [ -d "$each" ]; then mkdir "$root$each"; mount -o bind,ro "$each" "$root$each"
  fi
done
[ -z "$links" ] || cp -P $links "$root"
mkdir "$root/image" "$root/volume"
if [ $# -eq 1 ]; then mount -o bind,ro -- "$1" "$root/image"
else
  lower=
  for each; do
    layer=$root/layer-$#
    mkdir "$layer"
    mount --bind -- "$each" "$layer"
    lower=\${lower:+$lower:}$layer
    shift
  done
  mount -t overlay -o "lowerdir=$lower" overlay "$root/image"
fi
mount --bind -- "$volume" "$root/volume"
exec chroot "$root" cp --archive --no-target-directory -- /image /volume`;

/**
 * Writes a volume to standard output as a tar archive in the POSIX format: owners as numbers, modes, times, hard links,
 * holes and extended attributes with the access lists among them.
 */
export function exportArguments(paths: Paths, name: string): readonly string[] {
  const data = volumeData(paths, name);
  return [
    'tar',
    '--create',
    '--file=-',
    '--format=posix',
    '--sort=name',
    '--sparse',
    ...TAR_KEEPS,
    `--directory=${data}`,
    '.',
  ];
}

/**
 * Reads a tar archive from standard input into a volume, over what is in it. It is unpacked into an empty directory
 * first, where tar lets no name and no link lead out, and then copied by a cp that replaces links instead of following
 * them: so nothing outside the volume is written, whatever the archive and the volume hold. The space is needed twice.
 */
export function importArguments(paths: Paths, name: string): readonly string[] {
  return ['sh', '-c', IMPORT_SCRIPT, 'sh', volumeDirectory(paths, name), ...TAR_KEEPS];
}

const TAR_KEEPS = ['--numeric-owner', '--acls', '--xattrs', '--xattrs-include=*'];

/** `$1` is the volume's directory; the rest are options of tar. What an import left that was killed goes first. */
const IMPORT_SCRIPT = `set -eu
volume=$1
shift
rm -rf -- "$volume"/import-*
staging=$(mktemp -d "$volume/import-XXXXXX")
trap 'rm -rf -- "$staging"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir "$staging/data"
chown --reference="$volume/data" -- "$staging/data"
chmod --reference="$volume/data" -- "$staging/data"
tar --extract --file=- --same-owner --same-permissions "$@" --directory="$staging/data"
cp --archive --remove-destination --no-target-directory -- "$staging/data" "$volume/data"`;

/** An image's database of some gigabytes on a slow disk. */
const COPY_TIMEOUT_MS = 600_000;

/** The volume's `VolumeSpec` as JSON, so that a volume can be told from its directory alone. */
function volumeDescription(paths: Paths, name: string): string {
  return `${volumeDirectory(paths, name)}/volume.json`;
}

function checkDriver(volume: VolumeSpec): void {
  if (volume.driver !== 'local' && volume.driver !== '') {
    throw new TsstackError(
      'usage',
      `cannot create volume ${volume.name}: there is no volume driver "${volume.driver}"`,
      {
        hint: 'Leave driver out, or write driver: local.',
      },
    );
  }
}
