import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askLine } from '../../lib/ask-line.ts';
import { TsstackError } from '../../model/error.ts';
import { type OutsideReply, outsideSocket, ROOTLESS_VARIABLE, type Rootless } from '../../model/rootless.ts';
import { outsideDirectory, type Paths } from '../../store/paths.ts';
import { daemonEnvironment } from '../daemon-environment.ts';
import { findMissing } from './requirements.ts';

/** Namespaces and pasta take 0.3 s; what makes them ends by itself when one of them takes too long. */
const DEADLINE_MS = 150_000;
const RETRY_MS = 10;
/** Of flock(1), where another client has started it. */
const EXIT_LOCKED = 75;
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=96', '--v8-pool-size=1', '--optimize-for-size'];
/** Where users have no PATH to the programs that change networks. */
const SYSTEM_PROGRAMS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Runs this command once more, in the namespaces of this user, where it is root: they are made where there are none. Does
 * not return. Throws `unsupported-host` with all that this machine lacks for that.
 */
export async function enterNamespaces(paths: Paths, entry: string): Promise<void> {
  const directory = outsideDirectory(paths);
  process.env['PATH'] = withSystemPrograms(process.env['PATH'] ?? '');
  const { pid, rootless } = await askToEnter(paths, directory, entry);
  const nsenter = findProgram('nsenter');
  const inside = ['--target', String(pid), '--user', '--preserve-credentials', '--mount', '--net', '--'];
  const again = [process.execPath, ...process.execArgv, '--', ...process.argv.slice(1)];
  const env = {
    ...process.env,
    TSSTACK_STATE_DIR: paths.state,
    TSSTACK_RUN_DIR: paths.run,
    [ROOTLESS_VARIABLE]: JSON.stringify({ ...rootless, cwd: process.cwd() } satisfies Rootless),
  };
  process.execve?.(nsenter, ['nsenter', ...inside, ...again], env);
}

type Entered = Extract<OutsideReply, { readonly rootless: Rootless }>;

/** Starts the process outside where there is none. */
async function askToEnter(paths: Paths, directory: string, entry: string): Promise<Entered> {
  const deadline = Date.now() + DEADLINE_MS;
  let ended: number | string | undefined = EXIT_LOCKED;
  for (let size = 0; Date.now() < deadline; ) {
    const reply = await askLine(outsideSocket(directory), { ask: 'enter', pid: process.pid });
    const answer = reply as OutsideReply | undefined;
    if (answer !== undefined && 'rootless' in answer) return answer;
    if (ended !== undefined && ended !== EXIT_LOCKED) throw notMade(directory, `it ended with ${ended}`, size);
    if (ended === EXIT_LOCKED) {
      refuseWhereMissing(paths);
      ended = undefined;
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      size = statSync(`${directory}/log`, { throwIfNoEntry: false })?.size ?? 0;
      void startOutside(directory, entry).then((how) => {
        ended = how;
      });
    }
    await sleep(RETRY_MS);
  }
  throw notMade(directory, `it did not answer within ${DEADLINE_MS / 1000} s`, 0);
}

function refuseWhereMissing(paths: Paths): void {
  const missing = findMissing(paths);
  if (missing.length === 0) return;
  const lines = missing.map(({ name, found, fix }) => `${name}: ${found}${fix === undefined ? '' : `\n  → ${fix}`}`);
  throw new TsstackError('unsupported-host', `This user cannot run containers yet\n${lines.join('\n')}`, {
    hint: 'tsstack doctor shows all that is looked at; as root, none of this is needed',
  });
}

/** Resolves when it has ended: with its exit status, signal, or why it could not be started. */
function startOutside(directory: string, entry: string): Promise<number | string> {
  const script = `${dirname(entry)}/outside.cjs`;
  const lock = ['--nonblock', '--no-fork', '--conflict-exit-code', String(EXIT_LOCKED), `${directory}/lock`];
  const argv = [...lock, process.execPath, ...NODE_FLAGS, script, directory, String(process.pid)];
  const log = openSync(`${directory}/log`, 'a', 0o600);
  const env = daemonEnvironment(process.env);
  const child = spawn('flock', argv, { detached: true, cwd: '/', env, stdio: ['ignore', 'ignore', log] });
  child.unref();
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 0));
  });
}

function notMade(directory: string, reason: string, size: number): TsstackError {
  const log = `${directory}/log`;
  const said = existsSync(log) ? readFileSync(log).subarray(size).toString().trim() : '';
  return new TsstackError(
    'unsupported-host',
    `The namespaces of this user could not be made: ${reason}${said === '' ? '' : `\n${said}`}`,
    { hint: `tsstack doctor checks this machine; messages are in ${log}` },
  );
}

function withSystemPrograms(path: string): string {
  const directories = path.split(':');
  return [...directories, ...SYSTEM_PROGRAMS.filter((each) => !directories.includes(each))].join(':');
}

function findProgram(name: string): string {
  const directories = (process.env['PATH'] ?? '').split(':');
  return directories.map((each) => `${each}/${name}`).find((path) => existsSync(path)) ?? name;
}
