import type { VolumeSummary } from '../model/volume.ts';
import type { StackSelector } from './api.ts';

/** What the API says about volumes; the rest of it: api.ts. */

/** `GET /v1/volumes`, and `POST /v1/volumes` (`VolumesRequest`) → `VolumeSummary[]`. */
export type { VolumeSummary } from '../model/volume.ts';

/** `POST /v1/volumes` → `VolumeSummary[]`: those that a stack made or uses. */
export interface VolumesRequest {
  readonly selector: StackSelector;
}

/** `GET /v1/volumes/{name}` → `VolumeDetail`. */
export interface VolumeDetail extends VolumeSummary {
  /** What its content takes on the disk. */
  readonly sizeBytes?: number;
}

/** `POST /v1/volumes/create` → `VolumeSummary`. */
export interface CreateVolumeRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly driverOptions: Readonly<Record<string, string>>;
}

/** `POST /v1/volumes/remove` → `Nothing`. Refused while a container mounts it, be it stopped. */
export interface RemoveVolumeRequest {
  readonly name: string;
}

/** `POST /v1/volumes/transfer` → `VolumeTransfer`: the client performs it, so its pipes are the archive's own. */
export interface VolumeTransferRequest {
  readonly name: string;
  readonly direction: 'export' | 'import';
}

export interface VolumeTransfer {
  /** Host program to spawn; the tar archive is its standard output, or its standard input. */
  readonly argv: readonly string[];
}
