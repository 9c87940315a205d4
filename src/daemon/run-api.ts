import type { ErrorReport } from '../model/error.ts';
import type { OneOffSettings } from '../model/one-off.ts';
import type { LoadRequest } from '../spec/load.ts';
import type { ContainerSummary, StackSelector } from './api.ts';

/** What the API says about programs that are run in containers and files that are copied; the client performs much of it. */

/** `POST /v1/run` → stream; result `RunResult`: a container of its own, made of a service and started. */
export interface RunRequest extends OneOffSettings {
  readonly load: LoadRequest;
  readonly requestId: string;
  /** When its image and those of what it depends on are fetched; absent or `policy`: as `pull_policy` says. */
  readonly pull?: 'always' | 'missing' | 'never' | 'policy';
  /** Build its image before, and those of what it depends on. */
  readonly build?: boolean;
  /** Short forms, as in a stack file. */
  readonly publish: readonly string[];
  readonly volumes: readonly string[];
  /** Process id of a client that will remove it itself: while it lives, nobody else does. */
  readonly client?: number;
}

/** A container and how to take part in its standard streams. @public */
export interface RunResult {
  readonly container: ContainerSummary;
  /** The named pipe to write its input to; absent: it reads none. */
  readonly stdinPath?: string;
  /** It has a terminal: `/dev/pts/0` of its own devpts. */
  readonly tty: boolean;
  /** No limit ever drops lines of its log: who has it open reads all of it, also when it has been removed. */
  readonly wholeLog: boolean;
}

/** `POST /v1/attach` → `RunResult`. */
export interface AttachRequest {
  readonly selector: StackSelector;
  readonly service: string;
  /** Absent: the first that runs. */
  readonly index?: number;
}

/** `POST /v1/exec` → `ExecResponse`: the client performs it, so its terminal and pipes are the program's own. */
export interface ExecRequest {
  readonly selector: StackSelector;
  readonly service: string;
  /** Absent: the lowest running one. */
  readonly index?: number;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly tty: boolean;
  readonly privileged: boolean;
}

export interface ExecResponse {
  /**
   * Host program to spawn; descriptor 3 must be the launcher, opened read-only and unlinked; with `tty`, 4 the master. A
   * pipe as 5 is closed without a byte when the program has been executed; else it says which step failed.
   */
  readonly argv: readonly string[];
  readonly launcherBase64: string;
  /** Its steps in words, for what comes out of that pipe. */
  readonly listing: string;
  /** With `tty`: the container's own `/dev/pts/ptmx`, to be opened read-write. */
  readonly ptmxPath?: string;
}

/** `POST /v1/copy` → one `CopyAnswer`; the connection is closed when the copying is over. */
export interface CopyRequest {
  readonly selector: StackSelector;
  readonly service: string;
  /** Absent: every replica. */
  readonly index?: number;
  /** One-offs of the service, too. */
  readonly all: boolean;
  /** Only the first of them. */
  readonly first: boolean;
}

export type CopyAnswer = { readonly containers: readonly CopyContainer[] } | { readonly error: ErrorReport };

/** A container whose files the client copies below the root directory of a process. */
export interface CopyContainer {
  /** Where something is mounted in it, absolute. */
  readonly mounts: readonly string[];
  readonly name: string;
  /** The host's id of the container's user 0. */
  readonly idBase: number;
  /** It runs, as this process. */
  readonly process?: { readonly pid: number; readonly startTime: string };
  /**
   * It does not run: this, started as `ExecResponse` says, has its files at /proc/PID/root once its status pipe is
   * closed, and ends with its standard input.
   */
  readonly view?: Pick<ExecResponse, 'argv' | 'launcherBase64' | 'listing'>;
}
