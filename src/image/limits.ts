/** What one image may cost at most. Docker, podman and umoci have no such limits and fill the disk. */
export interface UnpackLimits {
  /** All layers, unpacked, holes of sparse files included. */
  readonly unpackedBytes: number;
  /** Entries of all layers. */
  readonly entries: number;
  /** Unpacked to packed size, once `ratioFreeBytes` have been unpacked. DEFLATE itself ends at 1032. */
  readonly ratio: number;
  readonly ratioFreeBytes: number;
  /** Device nodes of all layers: each costs a process. */
  readonly devices: number;
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Where a machine says otherwise. */
export const LIMITS_FILE = '/etc/tsstack/limits.yaml';

export const DEFAULT_LIMITS: UnpackLimits = {
  unpackedBytes: 10 * GIB,
  entries: 1_000_000,
  ratio: 200,
  ratioFreeBytes: 64 * MIB,
  devices: 1024,
};

/** The OCI distribution specification asks registries to take manifests of 4 MiB; larger ones exist nowhere. */
export const DOCUMENT_BYTES = 4 * MIB;

/** What one overlay mount takes as lower directories (OVL_MAX_STACK of fs/overlayfs/params.h). */
export const LAYERS = 500;

/** One extended header (Go's archive/tar has the same limit). */
export const PAX_BYTES = MIB;

/** PATH_MAX with its NUL, NAME_MAX and XATTR_SIZE_MAX of linux/limits.h. */
export const PATH_BYTES = 4095;
export const NAME_BYTES = 255;
export const XATTR_BYTES = 65_536;
