import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { askLine } from '../lib/ask-line.ts';
import { TsstackError } from '../model/error.ts';
import { type OutsideReply, outsideSocket, parseRootless, ROOTLESS_VARIABLE } from '../model/rootless.ts';
import { type Paths, socketPath } from '../store/paths.ts';
import { makePrivateDirectory } from '../store/private-directory.ts';
import { daemonEnvironment } from './daemon-environment.ts';

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
  const logPath = `${paths.run}/daemon.log`;
  let logSize = 0;
  const said = (reason: string) => notStarted(reason, logPath, logSize);
  const deadline = Date.now() + DEADLINE_MS;
  let retryMs = FIRST_RETRY_MS;
  let ended: number | string | undefined = LOCK_HELD;
  while (Date.now() < deadline) {
    if (await listens(socketPath(paths))) return;
    if (ended !== undefined && ended !== LOCK_HELD) throw said(`it ended with ${ended}`);
    // The lock is held by a daemon that is being started by another client, or by one that is ending: then it is tried again.
    if (ended === LOCK_HELD) {
      const log = openLog(paths.run, logPath);
      ended = undefined;
      logSize = log.size;
      void spawnDaemon(entry, log.file, logPath).then((how) => {
        ended = how;
      });
    }
    await wait(retryMs);
    retryMs = Math.min(retryMs * 1.2, LAST_RETRY_MS);
  }
  throw said(`it did not listen within ${DEADLINE_MS / 1000} s`);
}

function makeRunDirectory(run: string): void {
  try {
    makePrivateDirectory(run);
  } catch (error) {
    if (error instanceof TsstackError) throw error;
    throw new TsstackError(
      'daemon-unreachable',
      `Cannot create ${run}: ${error instanceof Error ? error.message : error}`,
      {
        hint: 'Is what lies above it yours? tsstack doctor looks at this machine',
        cause: error,
      },
    );
  }
}

/** A daemon that ends takes the run directory with it, as late as in between. Throws as `makeRunDirectory()` does. */
function openLog(run: string, path: string): { readonly file: number; readonly size: number } {
  for (;;) {
    makeRunDirectory(run);
    try {
      const file = openSync(path, 'a', 0o600);
      return { file, size: fstatSync(file).size };
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Resolves when it has ended, with its exit status, signal, or why it could not be started. Closes `log`. */
function spawnDaemon(entry: string, log: number, logPath: string): Promise<number | string> {
  // A small young generation: a daemon's garbage is short-lived, and what it maps makes every fork slower.
  const argv = ['--max-semi-space-size=4', '--disable-warning=ExperimentalWarning', entry];
  const rootless = parseRootless(process.env[ROOTLESS_VARIABLE]);
  try {
    if (rootless !== undefined) return spawnOutside(rootless.outside, argv, logPath);
    const stdio = ['ignore', 'ignore', log] as const;
    const env = daemonEnvironment(process.env);
    const child = spawn(process.execPath, argv, { detached: true, cwd: '/', env, stdio: [...stdio] });
    child.unref();
    return new Promise((resolve) => {
      child.once('error', ({ message }) => resolve(message));
      child.once('exit', (code, signal) => resolve(code ?? signal ?? 0));
    });
  } finally {
    closeSync(log);
  }
}

/** By the process outside of an ordinary user's namespaces, in the cgroup that was delegated. */
async function spawnOutside(directory: string, argv: readonly string[], log: string): Promise<number | string> {
  const request = { ask: 'daemon', argv: [process.execPath, ...argv], log, env: daemonEnvironment(process.env) };
  const reply = (await askLine(outsideSocket(directory), request)) as OutsideReply | undefined;
  if (reply === undefined) return 'what holds the namespaces of this user is gone';
  return 'ended' in reply ? reply.ended : 'failed' in reply ? reply.failed : 0;
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
  const text = existsSync(logPath) ? readFileSync(logPath).subarray(logSize).toString() : '';
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
