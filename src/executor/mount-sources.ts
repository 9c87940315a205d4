import type { HostOp } from '../host/op.ts';
import { imageDirectories } from '../image/image.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { RootFilesystem } from '../model/image.ts';
import { volumeData } from '../store/paths.ts';
import { hasMount, isVolumeMounted, mountVolume } from '../volume/mount.ts';
import { fillMountedVolume, fillVolume } from '../volume/volume.ts';
import { restoreFiles } from './container-files.ts';
import type { MachineContext } from './context.ts';

/** Everything that a container's mounts are made from, where it is missing. */
export function sourceOperations(
  context: MachineContext,
  spec: ContainerSpec,
  rootfs: RootFilesystem,
): readonly HostOp[] {
  return [
    ...restoreFiles(context, spec),
    ...missingSources(context, spec),
    ...lostMounts(context, spec),
    ...newVolumes(context, spec, rootfs),
  ];
}

/** Volumes of `driver_opts` whose mount is not there (after a reboot) are mounted again: never is the bare directory used. */
function lostMounts({ host, paths, records }: MachineContext, spec: ContainerSpec): readonly HostOp[] {
  return spec.mounts.flatMap((mount) => {
    const volume = mount.type === 'volume' ? records.volumes.get(mount.source ?? '') : undefined;
    if (volume === undefined || !hasMount(volume) || isVolumeMounted(host, paths, volume.name)) return [];
    return mountVolume(paths, volume);
  });
}

/**
 * A named volume that is still empty gets what the image has at its place, as Docker does. One of which only a
 * directory is mounted does not: what the image has belongs below that, and it must be there.
 */
function newVolumes(
  { host, paths, records }: MachineContext,
  spec: ContainerSpec,
  rootfs: RootFilesystem,
): readonly HostOp[] {
  return spec.mounts.flatMap((mount): readonly HostOp[] => {
    if (mount.type !== 'volume' || mount.nocopy || mount.source === undefined || mount.subpath !== undefined) return [];
    if (host.readDirectory(volumeData(paths, mount.source)).length > 0) return [];
    const volume = records.volumes.get(mount.source);
    const fill = volume !== undefined && hasMount(volume) ? fillMountedVolume : fillVolume;
    return fill(paths, mount.source, imageDirectories(host, rootfs, mount.target));
  });
}

/** Bind sources that are made when they are missing, as Docker does. */
function missingSources({ host }: MachineContext, spec: ContainerSpec): readonly HostOp[] {
  return spec.mounts.flatMap((mount): readonly HostOp[] =>
    mount.type === 'bind' && mount.createHostPath && host.stat(mount.source) === undefined
      ? [{ op: 'mkdir', path: mount.source }]
      : [],
  );
}
