import type { HostOp } from '../host/op.ts';
import { stableJson } from '../lib/stable-json.ts';
import type { VolumeSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import { type Paths, volumeData, volumeDirectory } from '../store/paths.ts';

/**
 * The volume's directory, with its description beside its data. An existing one is left as it is. Throws `usage` for a
 * driver or driver option that is not there.
 */
export function createVolume(paths: Paths, volume: VolumeSpec): readonly HostOp[] {
  checkDriver(volume);
  return [
    { op: 'mkdir', path: volumeDirectory(paths, volume.name), mode: 0o700 },
    { op: 'mkdir', path: volumeData(paths, volume.name), mode: 0o755 },
    { op: 'write-file', path: volumeDescription(paths, volume.name), data: `${stableJson(volume)}\n`, mode: 0o600 },
  ];
}

/** The volume with its data. An absent one is fine. */
export function removeVolume(paths: Paths, name: string): readonly HostOp[] {
  return [{ op: 'remove', path: volumeDirectory(paths, name) }];
}

/** The volume's `VolumeSpec` as JSON, so that a volume can be told from its directory alone. */
export function volumeDescription(paths: Paths, name: string): string {
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
  const option = Object.keys(volume.driverOptions)[0];
  if (option === undefined) return;
  throw new TsstackError('usage', `cannot create volume ${volume.name}: driver_opts.${option} is not supported yet`, {
    hint: 'Use a bind mount of a directory that you mount on the host yourself.',
  });
}
