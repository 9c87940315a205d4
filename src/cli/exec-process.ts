import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { constants as os } from 'node:os';
import type { ExecResponse } from '../daemon/api.ts';
import { TsstackError } from '../model/error.ts';
import { uniqueName } from './unique-name.ts';

/**
 * Performs what the daemon prepared: starts the program that enters the container, as our own child, so that our
 * standard streams are its own. Gives its exit status, 128 + signal for a killed one.
 */
export async function performExec(runDirectory: string, exec: ExecResponse): Promise<number> {
  const launcher = openLauncher(runDirectory, Buffer.from(exec.launcherBase64, 'base64'));
  if (exec.ptmxPath === undefined) return statusOf(start(exec.argv, [0, 1, 2, launcher]), launcher);
  // Not our controlling terminal, tty_ioctl(2): a master end never is, and this says so.
  const master = openSync(exec.ptmxPath, constants.O_RDWR | constants.O_NOCTTY);
  const { relayTerminal } = await import('./terminal-relay.ts');
  return relayTerminal(master, () => statusOf(start(exec.argv, [0, 1, 2, launcher, master]), launcher));
}

/** A file that has no name any more: nothing in a container can open it for writing. */
function openLauncher(directory: string, bytes: Buffer): number {
  const path = `${directory}/exec-${uniqueName()}`;
  writeFileSync(path, bytes, { mode: 0o700, flag: 'wx' });
  try {
    // Opened anew, read-only: execve(2) fails with ETXTBSY on a file that is open for writing.
    return openSync(path, 'r');
  } finally {
    unlinkSync(path);
  }
}

function start(argv: readonly string[], stdio: number[]): ChildProcess {
  const [program = '', ...args] = argv;
  return spawn(program, args, { stdio });
}

async function statusOf(child: ChildProcess, launcher: number): Promise<number> {
  closeSync(launcher);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (cause) =>
    reject(new TsstackError('missing-tool', `Cannot run ${child.spawnfile}: ${cause.message}`, { cause })),
  );
  child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.signals[signal])));
  // Ctrl-C reaches the program through the terminal; who ends us means the program.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ignore = (): void => {};
  process.on('SIGINT', ignore).on('SIGTERM', forward).on('SIGHUP', forward);
  try {
    return await promise;
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', forward).off('SIGHUP', forward);
  }
}
