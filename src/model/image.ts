import type { Healthcheck } from './stack.ts';

/** What an image says about running it: OCI image-spec config.md, with Docker's healthcheck. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly user: string;
  readonly volumes: readonly string[];
  readonly exposedPorts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly healthcheck?: Partial<Healthcheck>;
}

/** What an image's configuration says of the image itself. */
export interface ImageAbout {
  /** `linux/amd64`. */
  readonly platform: string;
  /** When it was built; absent: not said. */
  readonly createdAtMs?: number;
}

/** The image that a container was made from. */
export interface ContainerImage extends Partial<ImageAbout> {
  /** The container's name. */
  readonly container: string;
  readonly service: string;
  /** Where it comes from, without its tag: `oci:/dir`, a path, `host` for the programs of this machine. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` of what is known by its content, else `host` or `dir:PATH`. */
  readonly id: string;
  /** What its layers take on the disk; absent for the machine's own programs. */
  readonly sizeBytes?: number;
}

/** An image that was looked at, not necessarily unpacked. */
export interface ImageInfo {
  /**
   * Identity by content: the configuration's digest (`sha256:…`) for an image, the tarball's digest for a tarball,
   * `host` or `dir:PATH` for what has none.
   */
  readonly id: string;
  readonly config: ImageConfig;
  /** true: every layer is in the store. Always true for the host and for directories. */
  readonly unpacked: boolean;
  /** `OS/ARCHITECTURE[/VARIANT]` that its configuration says; absent: it has none. */
  readonly platform?: string;
}

/**
 * How a container's root is put together. `lower` directories go from top to bottom, as overlay's lowerdir.
 * `host` adds one overlay per listed directory of the host (`/usr`, `/etc`, …), each with its own lower stack.
 */
export interface RootFilesystem {
  readonly lower: readonly string[];
  readonly overlays: readonly HostOverlay[];
}

export interface HostOverlay {
  readonly target: string;
  readonly lower: readonly string[];
  /** The machine has mounts below that directory. */
  readonly holdsMounts?: true;
}

/** An image of the store. */
export interface StoredImageSummary extends ImageAbout {
  /** Digest of the configuration: what a container's image is known by. */
  readonly id: string;
  /** Of the manifest or index that its names stand for. */
  readonly digest: string;
  /** As users write them; empty: it has none. */
  readonly names: readonly string[];
  /** What its blobs take on the disk, packed; images may share them. */
  readonly sizeBytes: number;
  /** Names of the containers that are made from it. */
  readonly users: readonly string[];
}

/** One image with all that its documents say. */
export interface StoredImageDetail extends StoredImageSummary {
  readonly config: ImageConfig;
  /** Bottom first; sizes packed. */
  readonly layers: readonly { readonly digest: string; readonly diffId: string; readonly sizeBytes: number }[];
  readonly history: readonly ImageHistoryEntry[];
}

/** A step that an image was built by, the first one first. */
export interface ImageHistoryEntry {
  readonly createdAtMs?: number;
  readonly createdBy: string;
  readonly comment: string;
  /** Packed; of a step that only changed the configuration: 0. */
  readonly sizeBytes: number;
}

/** How a root filesystem's tarball becomes an image. */
export interface ImageImport {
  /** Absolute; plain, or packed as layers are. */
  readonly path: string;
  /** What the user called it. */
  readonly from: string;
  /** Absent: the image has no name. */
  readonly name?: string;
  /** In the history; empty: where it came from. */
  readonly message: string;
  /** Instructions of a Dockerfile for the configuration. */
  readonly changes: readonly string[];
  /** `OS/ARCHITECTURE[/VARIANT]`; absent: of this machine. */
  readonly platform?: string;
}

/** What was removed from the store. */
export interface RemovedImages {
  readonly untagged: readonly string[];
  /** Digests of images that are gone. */
  readonly deleted: readonly string[];
  readonly freedBytes: number;
}

/** What a container has done to a path of its root file system. */
export interface ContainerChange {
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly path: string;
}

/** What one kind of thing takes on the disk. */
export interface DiskUse {
  readonly kind: 'images' | 'unpacked layers' | 'build cache' | 'containers' | 'volumes';
  readonly count: number;
  /** In use. */
  readonly active: number;
  readonly sizeBytes: number;
  /** That nothing needs: `image prune --all`, `system prune` and `volume prune --all` free it. */
  readonly reclaimableBytes: number;
}
