import type { CacheMountRequest, Held } from '../../image/build-cache/cache-mounts.ts';
import type { CachedStep, StepCache } from '../../image/build-cache/step-cache.ts';
import type { ContentStore } from '../../image/content/content-store.ts';
import type { StoredImage } from '../../image/content/stored-image.ts';
import type { ImageContext } from '../../image/context.ts';
import type { Platform } from '../../image/platform.ts';
import type { Build, BuildStep } from '../../model/build.ts';
import type { FileSource, Mount } from '../../model/mounts.ts';
import type { ReadableTree } from '../context/tree.ts';
import type { Dockerfile } from '../dockerfile/parse.ts';
import type { Values } from '../dockerfile/scope.ts';
import type { StagePlan } from '../dockerfile/stages.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import type { StageState } from './state.ts';

/** A file that a step's program sees and that is in no layer: a secret, a script. */
export interface RunFile {
  readonly target: string;
  readonly content: FileSource;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly secret: boolean;
}

/** A program that a step runs. */
export interface RunRequest {
  /** Chain id of the layers that it sees. */
  readonly chainId: string;
  readonly argv: readonly string[];
  readonly env: Values;
  readonly user: string;
  readonly workingDir: string;
  readonly network: 'default' | 'none' | 'host';
  readonly privileged: boolean;
  readonly mounts: readonly Mount[];
  readonly files: readonly RunFile[];
  readonly build: Build;
  readonly output: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface RunOutcome {
  readonly exitCode: number;
  readonly oomKilled: boolean;
}

/** What a build asks of the machine that it is done on. */
export interface Machine {
  readonly store: ContentStore;
  readonly cache: StepCache;
  readonly images: ImageContext;
  readonly now: () => number;
  /** An image of the store; fetched first where it is not there, or the build says so. */
  readonly image: (reference: string, platform: Platform) => Promise<StoredImage>;
  /** Of the image that is built for another service of the stack. */
  readonly serviceImage: (service: string, platform: Platform) => Promise<StoredImage>;
  /** Of an OCI image layout on the disk. */
  readonly layoutImage: (path: string, tag: string | undefined, platform: Platform) => Promise<StoredImage>;
  /** Files from elsewhere, kept until the build ends. */
  readonly remote: Remote;
  /** What `user` or `user:group` stands for in these texts of /etc/passwd and /etc/group. */
  readonly owner: (text: string, passwd: string, group: string) => { readonly uid: number; readonly gid: number };
  /** Runs a program to its end and hands over what it has changed, which is gone afterwards. */
  readonly run: <Result>(
    request: RunRequest,
    collect: (outcome: RunOutcome, changes: () => Promise<readonly LayerEntry[]>) => Promise<Result>,
  ) => Promise<Result>;
  /** A copy of a directory or a file that may be written to; gone with `release()`. */
  readonly writableCopy: (path: string) => Promise<Held>;
  /** A directory of cached files, made if it is not there; held until `release()`. */
  readonly cacheMount: (request: CacheMountRequest) => Promise<Held>;
}

/** Brings files from elsewhere into directories that are there until the build ends. */
export interface Remote {
  /** A repository (`https://host/x.git#ref:directory`), or one file by its name there. */
  readonly context: (url: string) => Promise<{ readonly directory: string; readonly name?: string }>;
  readonly file: (
    url: string,
    checksum: string | undefined,
  ) => Promise<{ readonly directory: string; readonly name: string }>;
  readonly repository: (url: string, keepGitDir: boolean) => Promise<string>;
  readonly isRepository: (url: string) => boolean;
  readonly isArchive: (data: () => AsyncIterable<Buffer>) => Promise<boolean>;
  /** What is in an archive. */
  readonly unpacked: (data: AsyncIterable<Buffer>) => Promise<string>;
}

/** An image that is to be built. */
export interface ImageRequest {
  readonly build: Build;
  /** What it is built for; several: the result is an index. */
  readonly platforms: readonly Platform[];
  /** Arguments that are given: those of the build, and those of the command over them. */
  readonly given: Values;
  readonly secrets: ReadonlyMap<string, FileSource>;
  readonly noCache: boolean;
  readonly keepFailed: boolean;
  readonly sourceDateEpoch: number | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** One image that is being built, for one platform. */
export interface Work {
  readonly machine: Machine;
  readonly build: Build;
  readonly dockerfile: Dockerfile;
  /** As messages name it. */
  readonly file: string;
  readonly text: string;
  readonly plan: StagePlan;
  readonly platform: Platform;
  /** Arguments that were given. */
  readonly given: Values;
  readonly globals: Values;
  /** The build context. */
  readonly context: ReadableTree;
  /** Layers that were read, by chain id: what is known of them, hashes of files among it, is known once. */
  readonly trees: Map<string, ReadableTree>;
  /** By id. */
  readonly secrets: ReadonlyMap<string, FileSource>;
  /** What the sources of `cache_from` have, by the keys of their steps. */
  readonly imported: ReadonlyMap<string, CachedStep>;
  /** No step is taken from the cache. */
  readonly noCache: boolean;
  /** What a failed RUN has left is kept. */
  readonly keepFailed: boolean;
  readonly sourceDateEpoch: number | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** The state at the end of a stage that the plan has. */
  readonly stage: (index: number) => Promise<StageState>;
}

/** Tells of steps. */
export interface Progress {
  readonly started: (step: Step) => void;
  readonly ended: (step: Step, state: 'done' | 'cached' | 'failed', durationMs: number) => void;
  readonly output: (step: Step, text: string) => void;
  readonly warning: (message: string) => void;
}

export type Step = Omit<BuildStep, 'build'>;
