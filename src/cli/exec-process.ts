import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { constants as os } from 'node:os';
import type { ExecResponse } from '../daemon/run-api.ts';
import { explainReport, reportStatus } from '../lib/launch-report.ts';
import { TsstackError } from '../model/error.ts';
import { openTerminal } from './container-terminal.ts';
import { uniqueName } from './unique-name.ts';

/** Descriptor of the status pipe in an exec. */
export const STATUS_PIPE = 5;

export interface PerformOptions {
  /** Leave it running, with no streams of ours. */
  readonly detach: boolean;
  /** With a terminal: leave it running when these are typed. Empty: none. */
  readonly detachKeys: Uint8Array;
  /** Told in words why the program was not executed. */
  readonly failed: (reason: string) => void;
}

/**
 * Performs what the daemon prepared: starts the program that enters the container, as our own child, so that our
 * standard streams are its own. Gives its exit status, 128 + signal for a killed one; 127 where there is no such program
 * in the container, 126 where it could not be executed.
 */
export async function performExec(runDirectory: string, exec: ExecResponse, options: PerformOptions): Promise<number> {
  const launcher = openLauncher(runDirectory, Buffer.from(exec.launcherBase64, 'base64'));
  // Not our controlling terminal, tty_ioctl(2): a master end never is, and this says so.
  const master = exec.ptmxPath && openTerminal(exec.ptmxPath);
  const standard = options.detach ? (['ignore', 'ignore', 'ignore'] as const) : ([0, 1, 2] as const);
  const begin = (): Entered => {
    const [program = '', ...args] = exec.argv;
    const stdio = [...standard, launcher, typeof master === 'number' ? master : ('ignore' as const), 'pipe' as const];
    const entered = follow(
      spawn(program, args, { stdio, detached: options.detach || typeof master === 'number' }),
      exec.listing,
      options.failed,
    );
    closeSync(launcher);
    return entered;
  };
  if (typeof master !== 'number') {
    const { executed, status, leave } = begin();
    if (!options.detach || !(await executed)) return status;
    leave();
    return 0;
  }
  const { relayTerminal } = await import('./terminal-relay.ts');
  return relayTerminal(master, { begin, detachKeys: options.detachKeys });
}

/** A file that has no name any more: nothing in a container can open it for writing. */
export function openLauncher(directory: string, bytes: Buffer): number {
  const path = `${directory}/exec-${uniqueName()}`;
  writeFileSync(path, bytes, { mode: 0o700, flag: 'wx' });
  try {
    // Opened anew, read-only: execve(2) fails with ETXTBSY on a file that is open for writing.
    return openSync(path, 'r');
  } finally {
    unlinkSync(path);
  }
}

interface Entered {
  /** Whether the program was executed, when that is known. */
  readonly executed: Promise<boolean>;
  readonly status: Promise<number>;
  /** We may end before it. */
  readonly leave: () => void;
}

/** Passes our signals on to the program until it ends. */
function follow(child: ChildProcess, listing: string, failed: (reason: string) => void): Entered {
  const executed = reportOf(child);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (cause) =>
    reject(new TsstackError('missing-tool', `Cannot run ${child.spawnfile}: ${cause.message}`, { cause })),
  );
  child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.signals[signal])));
  // Ctrl-C reaches the program through the terminal; who ends us means the program.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ignore = (): void => {};
  process.on('SIGINT', ignore).on('SIGTERM', forward).on('SIGHUP', forward);
  const status = promise
    .then(async (code) => {
      const report = await executed;
      if (report.length === 0) return code;
      failed(explainReport(listing, report));
      return reportStatus(listing, report);
    })
    .finally(() => process.off('SIGINT', ignore).off('SIGTERM', forward).off('SIGHUP', forward));
  return { executed: executed.then(({ length }) => length === 0), status, leave: () => child.unref() };
}

/** What comes out of the status pipe until it is closed. */
export function reportOf(child: ChildProcess): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const pipe = (child.stdio as ChildProcess['stdio'][number][])[STATUS_PIPE];
  const chunks: Uint8Array[] = [];
  if (pipe === null || pipe === undefined) resolve(new Uint8Array());
  pipe?.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  pipe?.on('error', () => undefined);
  pipe?.on('close', () => resolve(Buffer.concat(chunks)));
  return promise;
}
