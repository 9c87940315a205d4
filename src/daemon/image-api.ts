import type { BuildChanges } from '../model/build.ts';
import type { ImageImport } from '../model/image.ts';
import type { LoadRequest } from '../spec/load.ts';
import type { StackSelector } from './api.ts';

/** What the API says about the images of the store and of registries; the rest of it: api.ts. */
export type { ContainerChange, DiskUse, RemovedImages, StoredImageDetail, StoredImageSummary } from '../model/image.ts';

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
  /** Also the unpacked layers of archives and tarballs that no container is made from; they are unpacked again at need. */
  readonly layers?: boolean;
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

/** `POST /v1/store/import` → stream; result `ImportedImage`: an image of one layer from a root filesystem's tarball. */
export interface ImportImageRequest extends ImageImport {
  readonly requestId: string;
}

export interface ImportedImage {
  readonly id: string;
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

/** `POST /v1/store/export` → stream; result `ExportedImage`: the root filesystem of an image as one tar archive. */
export interface ExportImageRequest {
  readonly name: string;
  /** `OS/ARCHITECTURE[/VARIANT]` of an image for several; absent: of this machine. */
  readonly platform?: string;
  /** Absolute, a file or FIFO that is written. */
  readonly path: string;
  readonly requestId: string;
}

export interface ExportedImage {
  readonly id: string;
}

/** `POST /v1/pull` → stream; result `PulledImages`: the images of a stack. */
export interface PullRequest {
  readonly load: LoadRequest;
  readonly requestId: string;
  /** Also of services that the named ones depend on. */
  readonly includeDeps: boolean;
  readonly ignoreFailures: boolean;
  /** Not the images of services that can be built. */
  readonly ignoreBuildable: boolean;
  /** `always` unless given. */
  readonly policy?: 'always' | 'missing';
  readonly dryRun?: boolean;
}

/** `POST /v1/store/pull` → stream; result `PulledImages`: images by their references. */
export interface PullImagesRequest {
  readonly names: readonly string[];
  /** `OS/ARCHITECTURE[/VARIANT]`; the machine's own unless given. */
  readonly platform?: string;
  /** Of the user, whose credentials are used. */
  readonly env: Readonly<Record<string, string>>;
  readonly requestId: string;
}

/** References, as they were written. */
export interface PulledImages {
  readonly pulled: readonly string[];
}

/** `POST /v1/push` → stream; result `PushedImages`: the images of services with both `build` and `image`. */
export interface PushRequest {
  readonly load: LoadRequest;
  readonly requestId: string;
  /** Also of services that the named ones depend on. */
  readonly includeDeps: boolean;
  readonly ignoreFailures: boolean;
  readonly dryRun?: boolean;
}

/** `POST /v1/store/push` → stream; result `PushedImages`: images of the store to the registries that their names say. */
export interface PushImagesRequest {
  readonly names: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly requestId: string;
}

export interface PushedImages {
  readonly pushed: readonly { readonly name: string; readonly digest: string; readonly uploadedBytes: number }[];
}

/** `POST /v1/login` → `LoginResult`: tries credentials with a registry and keeps them where the user's Docker configuration says. */
export interface LoginRequest {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface LoginResult {
  /** Where they are kept, in words. */
  readonly place: string;
}

/** `POST /v1/logout` → `LogoutResult`. */
export interface LogoutRequest {
  readonly registry: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface LogoutResult {
  /** false: there were none. */
  readonly removed: boolean;
}

/** `POST /v1/changes` → `ContainerChange[]`: what a container has written. */
export interface ChangesRequest {
  readonly selector: StackSelector;
  readonly service: string;
  /** Which replica; the first unless given. */
  readonly index?: number;
}

/** `POST /v1/commit` → stream; result `CommitResult`: an image of a container. */
export interface CommitRequest extends ChangesRequest {
  readonly requestId: string;
  /** Absent: the image has no name. */
  readonly name?: string;
  readonly author: string;
  readonly message: string;
  /** Instructions of a Dockerfile that change the configuration. */
  readonly changes: readonly string[];
  readonly pause: boolean;
}

export interface CommitResult {
  /** Of the image. */
  readonly id: string;
}

/** `POST /v1/build` → stream; result `BuildResult`: the images of the services that `load` names, else of all. */
export interface BuildRequest extends BuildChanges {
  readonly load: LoadRequest;
  readonly requestId: string;
  /** Also of services that the named ones depend on. */
  readonly withDependencies: boolean;
  /** What a failed step leaves stays as an image without a name: `failedImage` of the error. The client removes it. */
  readonly keepFailed: boolean;
  /** Send what was built to the registries of its names. */
  readonly push: boolean;
  readonly dryRun?: boolean;
}

export interface BuildResult extends PushedImages {
  readonly built: readonly { readonly service: string; readonly id: string; readonly names: readonly string[] }[];
}
