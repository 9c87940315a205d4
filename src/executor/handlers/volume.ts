import { createVolume, removeVolume } from '../../volume/volume.ts';
import type { Handler } from '../handler.ts';

export const createVolumeHandler: Handler<'create-volume'> = {
  operations: ({ volume }, { paths }) => createVolume(paths, volume),
  after({ volume }, { records }) {
    records.volumes.put(volume);
  },
};

export const removeVolumeHandler: Handler<'remove-volume'> = {
  operations: ({ volume }, { paths }) => removeVolume(paths, volume),
  after({ volume }, { records }) {
    records.volumes.delete(volume.name);
  },
};
