import type { ImageAbout, ImageConfig } from '../model/image.ts';
import type { FileRange } from './file-range.ts';

/** An image on disk with its documents read and checked; its layers are not. */
export interface OpenedImage {
  /** The configuration's digest; of a tarball the file's. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Absent: it has no configuration. */
  readonly about?: ImageAbout;
  /** Bottom first. */
  readonly layers: readonly LayerBlob[];
}

/** At least one of the digests is there. */
export interface LayerBlob {
  readonly file: FileRange;
  /** Of the packed bytes. Absent in a docker-archive. */
  readonly digest?: string;
  /** Of the unpacked tar. Absent for a root filesystem's tarball. */
  readonly diffId?: string;
}
