/** What the API says about the images of the store; the rest of it: api.ts. */
export type { RemovedImages, StoredImageDetail, StoredImageSummary } from '../model/image.ts';

/** `POST /v1/store/inspect` → `StoredImageDetail[]`. Names, or ids. */
export interface InspectImagesRequest {
  readonly names: readonly string[];
}

/** `POST /v1/store/tag` → `Nothing`. */
export interface TagImageRequest {
  readonly source: string;
  readonly target: string;
}

/** `POST /v1/store/remove` → `RemovedImages`. */
export interface RemoveImagesRequest {
  readonly names: readonly string[];
  /** Also what containers are made from; they keep what they have. */
  readonly force: boolean;
}

/** `POST /v1/store/prune` → `RemovedImages`. */
export interface PruneImagesRequest {
  /** Also images with a name that no container is made from. */
  readonly all: boolean;
}

/** `POST /v1/store/load` → stream; result `LoadedImages`. `path`: absolute, an archive or an OCI image layout. */
export interface LoadImagesRequest {
  readonly path: string;
  readonly requestId: string;
}

/** Names, or digests of images without one. */
export interface LoadedImages {
  readonly loaded: readonly string[];
}

/** `POST /v1/store/save` → stream; result `SavedImages`. `path`: absolute, a file or FIFO that is written. */
export interface SaveImagesRequest {
  readonly names: readonly string[];
  readonly path: string;
  readonly requestId: string;
}

export interface SavedImages {
  readonly saved: readonly string[];
}
