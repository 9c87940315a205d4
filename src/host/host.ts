import type { HostOp } from './op.ts';

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  /** Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Give back a non-zero status instead of throwing `command-failed`. */
  readonly allowFailure?: boolean;
}

export interface ProbeOptions {
  /** Absent: as long as it takes. */
  readonly timeoutMs?: number;
  /** Bytes of output that are kept, the last ones. */
  readonly outputLimitBytes: number;
  /** It starts no other process: it is killed itself, not only what is below it. */
  readonly single?: boolean;
  readonly signal?: AbortSignal;
  /** A file that the output is also appended to, each line with the mark before it. */
  readonly log?: { readonly path: string; readonly mark: string };
}

export interface ProbeResult {
  /** Status; absent when it was killed at its timeout. */
  readonly exitCode?: number;
  /** Standard output and error as they came. */
  readonly output: string;
}

export interface FileStat {
  readonly type: 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly device: number;
  readonly inode: number;
  /** Device number of a char or block device (`stat.rdev`), 0 of anything else. */
  readonly rdev: number;
}

/** The machine. Reading is direct; every change goes through `perform`. */
export interface Host {
  /** Do these, one after the other; stops at the first that fails. */
  perform(ops: readonly HostOp[], signal?: AbortSignal): Promise<void>;
  /** A command that only looks (`ip -j`, `ss`). Throws `command-failed`, `command-timeout`, `missing-tool`. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Whole text of a file; undefined when it is not there. */
  readText(path: string): string | undefined;
  readBytes(path: string): Uint8Array | undefined;
  /** Names in a directory, sorted; empty when it is not there. */
  readDirectory(path: string): readonly string[];
  /** Like lstat(2): a link is not followed. undefined when nothing is there. */
  stat(path: string): FileStat | undefined;
  readLink(path: string): string | undefined;
}

/** A machine whose containers are watched over. */
export interface SupervisorHost extends Host {
  /** Runs a program in a container (an `Exec`), its launcher open as descriptor 3; its process tree dies at the timeout. */
  probe(argv: readonly string[], launcher: Uint8Array, options: ProbeOptions): Promise<ProbeResult>;
  /** Calls back when something in a directory changes. Ends with the signal. */
  watchDirectory(path: string, signal: AbortSignal, changed: (name: string) => void): void;
}
