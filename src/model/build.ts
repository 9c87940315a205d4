import type { Ulimit } from './limits.ts';

/** How the image of a service is built: `build` of a stack file, normalised. Paths are absolute. */
export interface Build {
  /** A directory of the host, or a URL of a git repository or an archive. */
  readonly context: string;
  /** Absolute, or relative to a remote context; absent: `Dockerfile` of the context, or `dockerfileInline`. */
  readonly dockerfile?: string;
  /** Its text. */
  readonly dockerfileInline?: string;
  /** Arguments that have a value. */
  readonly args: Readonly<Record<string, string>>;
  /** A stage; absent: the last. */
  readonly target?: string;
  /** By name: what FROM and `from` see under that name before anything else. */
  readonly contexts: Readonly<Record<string, NamedContext>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Further names of the image, as written. */
  readonly tags: readonly string[];
  /** Sources of cached steps, as written. */
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  /** true: no step is taken from the cache. */
  readonly noCache: boolean;
  /** true: base images are pulled though they are there. */
  readonly pull: boolean;
  /** Of RUN where it does not say itself. */
  readonly network: 'default' | 'none' | 'host';
  /** Absent: 64 MiB. */
  readonly shmSizeBytes?: number;
  readonly extraHosts: readonly { readonly host: string; readonly address: string }[];
  readonly ulimits: Readonly<Record<string, Ulimit>>;
  /** RUN has the rights of a privileged container. */
  readonly privileged: boolean;
  /** `security.insecure`, `network.host`: what RUN may ask for. */
  readonly entitlements: readonly string[];
  /** `linux/arm64`; empty: the service's, else the machine's own. With several the result is an index. */
  readonly platforms: readonly string[];
  readonly secrets: readonly BuildSecret[];
  /** By id, the socket or key; `SSH_AUTH_SOCK` of the caller for an id without one. */
  readonly ssh: Readonly<Record<string, string>>;
  /** `/srv/stack.yaml:12:5`, where `build` stands. */
  readonly place: string;
}

/** What a command says of builds, over what each says itself. */
export interface BuildChanges {
  /** No step is taken from the cache. */
  readonly noCache: boolean;
  /** Base images are pulled though they are there. */
  readonly pull: boolean;
  /** Over the arguments of each build. */
  readonly args: Readonly<Record<string, string>>;
  /** A stage, instead of the build's own. */
  readonly target?: string;
  /** By id, an agent's socket. */
  readonly ssh: Readonly<Record<string, string>>;
}

export type NamedContext =
  | { readonly type: 'directory'; readonly path: string }
  /** `docker-image://`. */
  | { readonly type: 'image'; readonly reference: string }
  /** `oci-layout://`. */
  | { readonly type: 'oci'; readonly path: string; readonly tag?: string }
  /** `service:x`: the image that is built for that service. */
  | { readonly type: 'service'; readonly service: string }
  | { readonly type: 'url'; readonly url: string };

/** A secret as a build wants it; `RUN --mount=type=secret` asks for it by its id. */
export interface BuildSecret {
  /** Key in `Stack.secrets`. */
  readonly source: string;
  readonly id: string;
}

/** One step of a build as it is told of. */
export interface BuildStep {
  /** Whose image it is: the service. */
  readonly build: string;
  /** Tells it from the others of the build: `2.3` is the third step of the second stage. */
  readonly id: string;
  /** The stage's name, or its number. */
  readonly stage: string;
  /** From 1, and how many the stage has; absent: it is none of the stage's instructions (`load build context`). */
  readonly number?: number;
  readonly count?: number;
  /** The instruction, or what is done. */
  readonly text: string;
}
