import type { PublishedPort } from '../model/container.ts';
import type { HealthResult, HealthStatus } from '../model/health.ts';
import type { Inspection } from '../model/inspection.ts';
import type { ContainerStatus, RunEnd, Traffic, Usage } from '../model/observed.ts';
import type { LoadRequest } from '../spec/load.ts';

/**
 * The REST API: HTTP/1.1 on a unix socket, JSON bodies. `POST` routes that take a while answer 200 with
 * application/x-ndjson, one `ProgressEvent` a line, the last one `done` or `failed`; other failures answer 4xx or 5xx
 * with an `ErrorReport`. Closing the connection before the end does not stop what was begun, but for a watch;
 * `POST /v1/cancel` does. The routes: docs/api.md, or `GET /v1/openapi.json` of a running daemon.
 */

/** How a request names its stack: by its files, or by its name alone where no file is needed. */
export type StackSelector = { readonly load: LoadRequest } | { readonly stack: string };

/** `POST /v1/up` → stream; result `UpResult`. */
export interface UpRequest {
  readonly load: LoadRequest;
  /** Chosen by the client, so that it can cancel. */
  readonly requestId: string;
  readonly forceRecreate: boolean;
  readonly noDeps: boolean;
  readonly removeOrphans: boolean;
  /** Make everything and start nothing. */
  readonly noStart?: boolean;
  /** Containers that are made anew begin with empty anonymous volumes. */
  readonly renewAnonVolumes?: boolean;
  /** Volumes whose definition has changed are made again, without what is in them; else they are conflicts. */
  readonly recreateVolumes?: boolean;
  /** Containers that are there stay as they were made. */
  readonly noRecreate?: boolean;
  /** Also replace the containers of services that the named ones depend on. */
  readonly recreateDeps?: boolean;
  /** Also start what has done its work. */
  readonly runAgain?: boolean;
  /** Time to stop before a container is killed; absent: each service's own. */
  readonly timeoutMs?: number;
  /** When images are fetched; absent or `policy`: as each service's `pull_policy` says. */
  readonly pull?: 'always' | 'missing' | 'never' | 'policy';
  /** Build all images that can be; else those that are missing. */
  readonly build?: boolean;
  /** Build none: a missing image is an error. */
  readonly noBuild?: boolean;
  /** Services that the client is going to follow: refused unless they are of this stack. */
  readonly follow?: readonly string[];
  /** Wait until every service is running and, where it has a healthcheck, healthy. */
  readonly wait: boolean;
  readonly waitTimeoutMs?: number;
  /** Report the plan, and do nothing. */
  readonly dryRun?: boolean;
}

export interface UpResult {
  readonly stack: string;
  /** Services that the command was about. */
  readonly services: readonly string[];
  /** Services with `attach: false`, whose output is shown only when it is asked for. */
  readonly unattached: readonly string[];
  /** Services that others wait for to complete. */
  readonly jobs: readonly string[];
}

/** `POST /v1/plan` → `PlanResponse`. */
export interface PlanRequest {
  readonly load: LoadRequest;
  readonly forceRecreate: boolean;
  readonly noDeps: boolean;
  readonly removeOrphans: boolean;
  readonly renewAnonVolumes?: boolean;
  /** Also give the plan as a shell script. */
  readonly script: boolean;
}

export interface PlanResponse {
  readonly plan: import('../model/plan.ts').Plan;
  readonly diagnostics: readonly import('../model/diagnostic.ts').Diagnostic[];
  readonly script?: string;
}

/** `POST /v1/oci-spec` → `OciSpecResponse`. */
export interface OciSpecRequest {
  readonly load: LoadRequest;
  readonly service: string;
  /** Absent: the first replica. */
  readonly index?: number;
}

export interface OciSpecResponse {
  /** Text of config.json: JSON with numbers that JSON.parse() cannot keep. */
  readonly config: string;
  readonly diagnostics: readonly import('../model/diagnostic.ts').Diagnostic[];
}

/** `POST /v1/down` → stream; result `DownResult`. */
export interface DownRequest {
  readonly selector: StackSelector;
  readonly requestId: string;
  readonly removeVolumes: boolean;
  readonly removeOrphans: boolean;
  readonly timeoutMs?: number;
  /** Only these and those that depend on them; empty or absent: all. */
  readonly services?: readonly string[];
  readonly dryRun?: boolean;
}

export interface DownResult {
  readonly stack: string;
  /** Nothing is left to supervise, so this daemon (its process id) ends now; absent: it stays. */
  readonly endingDaemon?: number;
}

/** `POST /v1/start`, `/v1/stop`, `/v1/restart` → stream; result `{}`. */
export interface LifecycleRequest {
  readonly selector: StackSelector;
  readonly requestId: string;
  /** Empty: all. */
  readonly services: readonly string[];
  readonly timeoutMs?: number;
  /** `restart`: not the services that ask to be restarted with what they depend on. */
  readonly noDeps?: boolean;
  /** `start`: until every service is running and, where it has a healthcheck, healthy. */
  readonly wait?: boolean;
  readonly waitTimeoutMs?: number;
  readonly dryRun?: boolean;
}

/** `POST /v1/kill` → `Affected`. */
export interface KillRequest {
  readonly selector: StackSelector;
  /** Empty: all. */
  readonly services: readonly string[];
  /** `SIGHUP`, `HUP`, `1`, `SIGRTMIN+3`; absent: SIGKILL. */
  readonly signal?: string;
  /** Only say which it would be. */
  readonly dryRun?: boolean;
  /** Only this replica; absent: all. */
  readonly index?: number;
}

/** `POST /v1/pause`, `POST /v1/unpause` → `Affected`. @public */
export interface PauseRequest {
  readonly selector: StackSelector;
  /** Empty: all. */
  readonly services: readonly string[];
  /** Only say which it would be. */
  readonly dryRun?: boolean;
}

/** `POST /v1/top` → `ContainerProcesses[]`. */
export interface TopRequest {
  readonly selector: StackSelector;
  /** Empty: all. */
  readonly services: readonly string[];
}

/** `POST /v1/explain`, with a `ContainersRequest` → `LaunchExplanation[]`. */
export type { LaunchExplanation } from '../model/explanation.ts';
/** Containers that run, and who is in them. */
export type { ContainerProcesses } from '../model/processes.ts';

/** `POST /v1/rm` → stream; result `{}`. */
export interface RemoveRequest {
  readonly selector: StackSelector;
  readonly requestId: string;
  /** Empty: all. */
  readonly services: readonly string[];
  /** Stop those that run, and remove them too. */
  readonly stop: boolean;
  /** Remove their anonymous volumes, too. */
  readonly removeVolumes: boolean;
  /** Wait until they have ended. Cancelled, or when the daemon is told to end, nothing is removed. */
  readonly whenEnded?: boolean;
  readonly dryRun?: boolean;
}

/** Names of the containers to which something was done; the others were not in a state for it. */
export interface Affected {
  readonly containers: readonly string[];
}

/** `POST /v1/containers` (of one stack), `GET /v1/stacks/{stack}/containers` → `ContainerSummary[]`. */
export interface ContainersRequest {
  readonly selector: StackSelector;
  /** Empty: all. */
  readonly services: readonly string[];
  /** Also the last health checks with their output. */
  readonly withHealth?: boolean;
  /** Also the one-offs of these services that `run` made; by its own name each is found without. */
  readonly oneOffs?: boolean;
}

export interface ContainerSummary {
  readonly stack: string;
  /** What commands call it: the service; of a one-off `web-run-0123456789ab`. */
  readonly service: string;
  readonly index: number;
  /** The service that `run` made this container of; absent: a replica. */
  readonly oneOffOf?: string;
  readonly name: string;
  readonly image: string;
  readonly command: string;
  readonly status: ContainerStatus;
  readonly health: HealthStatus;
  readonly pid?: number;
  readonly exitCode?: number;
  /** `SIGKILL`: the signal that the exit status tells of. */
  readonly signal?: string;
  readonly oomKilled: boolean;
  /** The user stopped it: restart policies rest until the next start. */
  readonly stoppedByUser: boolean;
  /** Restarts since the last start by a user. */
  readonly restarts: number;
  /** How the run before this one ended; absent after a start by a user. */
  readonly lastEnd?: RunEnd;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly ports: readonly PublishedPort[];
  readonly networks: readonly { readonly name: string; readonly ipv4?: string; readonly ipv6?: string }[];
  /** One of its links is shaped, by the file or by hand. */
  readonly shaped?: true;
  /** It is cut off from others, or from everything. */
  readonly cut?: true;
  readonly usage?: Usage;
  /** Only when asked for: the last five health checks, newest last. */
  readonly healthResults?: readonly HealthResult[];
  /** Absent where it does not run, or has no network namespace of its own. */
  readonly traffic?: Traffic;
  /**
   * The log file. Beside it, `<logPath>.index` has lines `<offset> <milliseconds>` for when it was written; a first line
   * `start <offset>` says where a log begins whose front a size limit has dropped.
   */
  readonly logPath: string;
  /** A one-off without a terminal has its standard error in a file of its own. */
  readonly errorLogPath?: string;
  /** Nothing is in that file, output is thrown away; absent: it is kept. */
  readonly logDriver?: 'none';
  /** What tells that the daemon waits for something: `waiting for db to be healthy`. */
  readonly detail?: string;
}

/** `POST /v1/inspect` (`ContainersRequest`) → `ContainerDetail[]`. */
export type ContainerDetail = ContainerSummary & Inspection;

/** `POST /v1/images` (`ContainersRequest`) → `ContainerImage[]`. */
export type { ContainerImage } from '../model/image.ts';

/** `GET /v1/stacks` → `StackSummary[]`. */
export interface StackSummary {
  readonly name: string;
  readonly files: readonly string[];
  /** How many containers have each status. */
  readonly statuses: Readonly<Partial<Record<ContainerStatus, number>>>;
}

/** `GET /v1/version` → `VersionResponse`. */
export interface VersionResponse {
  readonly version: string;
  readonly apiVersion: 'v1';
  readonly pid: number;
  readonly node: string;
}

/** `POST /v1/cancel` → `Nothing`: the request with this id is interrupted and undoes what it did. @public */
export interface CancelRequest {
  readonly requestId: string;
}

/** An answer that says only that it was done. @public */
export type Nothing = Readonly<Record<string, never>>;

/** `GET /v1/openapi.json`: OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.0 */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * `GET /v1/stacks/{stack}/events?since=MS&until=MS`: application/x-ndjson of these, those that were and then those that
 * come, without end where there is no `until`. @public
 */
export type { ContainerEvent } from '../model/event.ts';
