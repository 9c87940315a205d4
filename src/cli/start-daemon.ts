import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { TsstackError } from '../model/error.ts';
import { type Paths, socketPath } from '../store/paths.ts';

/** A machine under full load takes its time; a daemon that can't start ends, and is not waited for. */
const DEADLINE_MS = 60_000;
const FIRST_RETRY_MS = 4;
const LAST_RETRY_MS = 64;
/** Lines shown of what a daemon said that could not start. */
const MESSAGE_LINES = 10;
/** What a daemon ends with when another one holds the records: EX_TEMPFAIL of sysexits.h. */
const LOCK_HELD = 75;

/**
 * Returns when a daemon listens. Clients that come at the same time start one daemon between them: it holds
 * the records locked for as long as it lives. Throws `daemon-unreachable` with what the daemon said when it could not start.
 */
export async function startDaemon(paths: Paths, entry: string): Promise<void> {
  makeRunDirectory(paths.run);
  const logPath = `${paths.run}/daemon.log`;
  const logSize = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  const said = (reason: string) => notStarted(reason, logPath, logSize);
  const deadline = Date.now() + DEADLINE_MS;
  let retryMs = FIRST_RETRY_MS;
  let child: ChildProcess | undefined;
  let ended: number | string | undefined = LOCK_HELD;
  while (Date.now() < deadline) {
    if (await listens(socketPath(paths))) return;
    if (ended !== undefined && ended !== LOCK_HELD) throw said(`it ended with ${ended}`);
    // The lock is held by a daemon that is being started by another client, or by one that is ending: then it is tried again.
    if (ended === LOCK_HELD) {
      ended = undefined;
      child = spawnDaemon(entry, logPath);
      child.once('error', (error) => {
        ended = error.message;
      });
      child.once('exit', (code, signal) => {
        ended = code ?? signal ?? 0;
      });
      child.unref();
    }
    await wait(retryMs);
    retryMs = Math.min(retryMs * 1.2, LAST_RETRY_MS);
  }
  throw said(`it did not listen within ${DEADLINE_MS / 1000} s`);
}

function makeRunDirectory(run: string): void {
  try {
    mkdirSync(run, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new TsstackError(
      'daemon-unreachable',
      `Cannot create ${run}: ${error instanceof Error ? error.message : error}`,
      {
        hint: 'tsstack needs root: run it with sudo',
        cause: error,
      },
    );
  }
}

function spawnDaemon(entry: string, logPath: string): ChildProcess {
  const log = openSync(logPath, 'a', 0o600);
  try {
    // A small young generation: a daemon's garbage is short-lived, and what it maps makes every fork slower.
    const argv = ['--max-semi-space-size=4', '--disable-warning=ExperimentalWarning', entry];
    return spawn(process.execPath, argv, { detached: true, cwd: '/', stdio: ['ignore', 'ignore', log] });
  } finally {
    closeSync(log);
  }
}

async function listens(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

function notStarted(reason: string, logPath: string, logSize: number): TsstackError {
  const text = readFileSync(logPath).subarray(logSize).toString();
  // What it said, without the places in its source.
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  const said = lines
    .slice(0, MESSAGE_LINES)
    .map((line) => `\n${line}`)
    .join('');
  return new TsstackError('daemon-unreachable', `The daemon could not be started: ${reason}${said}`, {
    hint: `Its messages are in ${logPath}; tsstack doctor checks this machine`,
  });
}
