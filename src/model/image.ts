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
}

/**
 * How a container's root is put together. `lower` directories go from top to bottom, as overlay's lowerdir.
 * `host` adds one overlay per listed directory of the host (`/usr`, `/etc`, …), each with its own lower stack.
 */
export interface RootFilesystem {
  readonly lower: readonly string[];
  readonly overlays: readonly { readonly target: string; readonly lower: readonly string[] }[];
}
