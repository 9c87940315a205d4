import type { HostOp } from '../host/op.ts';
import type { VolumeSpec } from '../model/container.ts';
import type { Paths } from '../store/paths.ts';

/** The volume's directory, with its description beside its data. An existing one is left as it is. */
export function createVolume(_paths: Paths, _volume: VolumeSpec): readonly HostOp[] {
  throw new Error('not written yet');
}

export function removeVolume(_paths: Paths, _name: string): readonly HostOp[] {
  throw new Error('not written yet');
}
