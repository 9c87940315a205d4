import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { deadline } from '../lib/deadline.ts';
import { connectTo } from './serve-link.ts';

/** Everybody's "nobody": the kernel's default for ids that it cannot show (/proc/sys/kernel/overflowuid). */
const NOBODY = 65534;
/** Of flock(1), where another process has the lock. */
const EXIT_LOCKED = 75;
const START_DEADLINE_MS = 20_000;
const END_DEADLINE_MS = 2000;
/**
 * Little memory: a small young generation, one thread for all that V8 does beside. Hashes are its own, not those of
 * docs/decisions/start.md: containers choose the names that it looks up.
 */
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=96', '--v8-pool-size=1', '--optimize-for-size'];
/** The one right that is kept: to open ports below 1024. */
const RIGHTS = '-all,+net_bind_service';
const PROGRAMS = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin';

/**
 * Starts a program with the script as standard input, a pipe as output and Node's own file as descriptor 3. Gives `ready`
 * when it says something, or what it ended with.
 */
export type StartElsewhere = (argv: readonly string[]) => Promise<'ready' | number | string>;

/**
 * The process of src/serve as the daemon sees it: one a machine, by the lock on a file, which the kernel drops when it
 * ends. It runs as nobody, so all that it needs of a checkout in a home directory (the program, its code) is opened here
 * and handed over; what it answers comes over a socket. Its directory is open to it only while it starts.
 */
export class ServeProcess {
  readonly #directory: string;
  readonly #script: string;
  readonly #elsewhere: StartElsewhere | undefined;

  /** `directory`: below /run; `script`: the bundle, dist/serve.cjs; `elsewhere`: who starts it, if not we. */
  constructor(directory: string, script: string, elsewhere?: StartElsewhere) {
    this.#directory = directory;
    this.#script = script;
    this.#elsewhere = elsewhere;
  }

  /** The one that there is. undefined: there is none. */
  async find(): Promise<Socket | undefined> {
    const socket = await connectTo(this.#socketPath);
    if (socket !== undefined) chownSync(this.#room, 0, 0);
    return socket;
  }

  /** Starts it. Throws what it said when it could not start. */
  async start(): Promise<Socket> {
    this.#makeRoom();
    for (const again of [true, false]) {
      const said = await (this.#elsewhere?.(['flock', ...this.#argv()]) ?? this.#spawn());
      const socket = said === 'ready' ? await this.find() : undefined;
      if (socket !== undefined) return socket;
      // One that holds the lock and does not listen will not begin to.
      if (said === EXIT_LOCKED && again) this.#killHolder();
      else throw new Error(`it ended with ${said}; its messages are in ${this.#directory}/log`);
    }
    throw new Error('it does not start');
  }

  /** Removes the directory; `kill`: ends whoever holds the lock first. */
  remove(kill: boolean): void {
    if (!existsSync(this.#directory)) return;
    if (kill) this.#killHolder();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #room(): string {
    return `${this.#directory}/socket`;
  }

  get #socketPath(): string {
    return `${this.#room}/control`;
  }

  get #lockPath(): string {
    return `${this.#directory}/lock`;
  }

  #makeRoom(): void {
    mkdirSync(this.#room, { recursive: true, mode: 0o711 });
    chmodSync(this.#directory, 0o711);
    chmodSync(this.#room, 0o700);
    chownSync(this.#room, NOBODY, NOBODY);
    // Whoever may open the lock may hold it.
    closeSync(openSync(this.#lockPath, 'a', 0o600));
  }

  /** `ready`, or what it ended with. */
  async #spawn(): Promise<'ready' | number | string> {
    const files = [
      openSync(this.#script, 'r'),
      openSync(`${this.#directory}/log`, 'a', 0o600),
      openSync(process.execPath, 'r'),
    ];
    const [script = 0, log = 0, program = 0] = files;
    let child: ChildProcess;
    try {
      child = spawn('flock', this.#argv(), {
        detached: true,
        cwd: '/',
        env: { PATH: PROGRAMS },
        stdio: [script, 'pipe', log, program],
      });
    } finally {
      for (const file of files) closeSync(file);
    }
    child.unref();
    const { promise, resolve } = Promise.withResolvers<'ready' | number | string>();
    const forget = deadline(START_DEADLINE_MS, () => resolve(`nothing within ${START_DEADLINE_MS / 1000} s`));
    child.stdout?.once('data', () => resolve('ready'));
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 0));
    try {
      return await promise;
    } finally {
      forget();
      child.stdout?.destroy();
    }
  }

  /** flock and setpriv each become the next one: it stays one process. Node takes its code from standard input. */
  #argv(): readonly string[] {
    const lock = ['--nonblock', '--no-fork', '--conflict-exit-code', String(EXIT_LOCKED), this.#lockPath];
    const drop = [
      'setpriv',
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      '--clear-groups',
      ...['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=${RIGHTS}`),
      '--no-new-privs',
    ];
    return [...lock, ...drop, '/proc/self/fd/3', ...NODE_FLAGS, '-', this.#socketPath];
  }

  #killHolder(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (opens(pid, this.#lockPath)) killAndWait(Number(pid));
    }
  }
}

function opens(pid: string, path: string): boolean {
  try {
    const directory = `/proc/${pid}/fd`;
    return readdirSync(directory).some((descriptor) => readlinkSync(`${directory}/${descriptor}`) === path);
  } catch {
    return false;
  }
}

/** Short: it is dying, and holds nothing that takes time. */
function killAndWait(pid: number): void {
  const deadline = performance.now() + END_DEADLINE_MS;
  try {
    process.kill(pid, 'SIGKILL');
    // It is gone for us when its descriptors are: the lock is free then.
    while (readdirSync(`/proc/${pid}/fd`).length > 0 && performance.now() < deadline);
  } catch {
    // It has ended.
  }
}
