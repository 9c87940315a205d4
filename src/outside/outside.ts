import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { deadline } from '../lib/deadline.ts';
import type { OutsideReply, OutsideRequest, Rootless } from '../model/rootless.ts';
import { type Delegated, joinEngine, leaveCgroup } from './cgroups.ts';
import { endNamespaces, mendNamespaces, type Namespaces } from './namespace.ts';
import { inhabitants, lives, lookAt, type Process } from './processes.ts';
import { giveSockets } from './socket-source.ts';

const FIRST_PORT = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
const START_DEADLINE_MS = 20_000;

/** What an ordinary user's namespaces need from outside, for as long as anybody is in them. */
export class Outside {
  readonly #directory: string;
  #namespaces: Namespaces;
  readonly #delegated: Delegated;
  /** Who is going to enter. */
  readonly #coming = new Set<Process>();
  /** Somebody who was inside when we last looked at all. */
  #witness: Process | undefined;

  #mending: Promise<void> | undefined;
  #isEnding = false;

  constructor(directory: string, namespaces: Namespaces, delegated: Delegated) {
    this.#directory = directory;
    this.#namespaces = namespaces;
    this.#delegated = delegated;
  }

  answer(request: OutsideRequest): OutsideReply | Promise<OutsideReply> {
    switch (request.ask) {
      case 'enter':
        return this.#enter(request.pid);
      case 'daemon':
        return this.#startDaemon(request);
      case 'serve':
        return this.#startServe(request.argv);
      case 'listeners':
        return { text: spawnSync('ss', ['-Hlntup'], { encoding: 'utf8' }).stdout ?? '' };
    }
  }

  /** Looks at one process as a rule, and at all only when that has gone. */
  get needed(): boolean {
    for (const each of this.#coming) if (!lives(each)) this.#coming.delete(each);
    if (this.#coming.size > 0 || (this.#witness !== undefined && lives(this.#witness))) return true;
    const { home, keeper, uplink } = this.#namespaces;
    // slirp4netns enters the user namespace, pasta one of its own.
    const other = inhabitants(home).find(({ pid }) => pid !== keeper.pid && pid !== uplink.pid);
    this.#witness = other && lookAt(other.pid);
    return this.#witness !== undefined;
  }

  /** Puts right what somebody has killed. */
  mend(): Promise<void> {
    if (this.#isEnding) return Promise.resolve();
    this.#mending ??= mendNamespaces(this.#namespaces, this.#directory)
      .then((mended) => {
        this.#namespaces = mended ?? this.#namespaces;
      })
      .finally(() => {
        this.#mending = undefined;
      });
    return this.#mending;
  }

  /** Nobody is inside, and nobody is let in any more. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#mending?.catch(() => undefined);
    rmSync(`${this.#directory}/control`, { force: true });
    endNamespaces(this.#namespaces, this.#directory);
    if (this.#delegated.cgroup !== undefined) await leaveCgroup(this.#delegated.cgroup);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #enter(pid: number): Promise<OutsideReply> {
    const client = lookAt(pid);
    if (this.#isEnding) return { failed: 'it is ending' };
    if (client === undefined) return { failed: 'it has ended' };
    this.#coming.add(client);
    await this.mend();
    if (this.#delegated.cgroup !== undefined) tryToJoin(this.#delegated.cgroup, pid);
    const rootless: Rootless = {
      outside: this.#directory,
      firstPort: Number(readFileSync(FIRST_PORT, 'utf8')),
      ...this.#delegated,
    };
    return { pid: this.#namespaces.keeper.pid, rootless };
  }

  /** A process of ours, so that it is in our cgroup whichever session its client is of. */
  #startDaemon({ argv, log, env }: Extract<OutsideRequest, { ask: 'daemon' }>): Promise<OutsideReply> {
    const file = openSync(log, 'a', 0o600);
    const child = spawn('nsenter', this.#inside(argv), {
      detached: true,
      cwd: '/',
      env,
      stdio: ['ignore', 'ignore', file],
    });
    closeSync(file);
    child.unref();
    // It is heard of by its socket; who is told of its end has asked for it.
    return new Promise((resolve) => {
      child.once('error', ({ message }) => resolve({ ended: message }));
      child.once('exit', (code, signal) => resolve({ ended: code ?? signal ?? 0 }));
    });
  }

  #startServe(argv: readonly string[]): Promise<OutsideReply> {
    const files = [
      openSync(`${import.meta.dirname}/serve.cjs`, 'r'),
      openSync(`${this.#directory}/log`, 'a', 0o600),
      openSync(process.execPath, 'r'),
    ];
    const [script = 0, log = 0, program = 0] = files;
    const child = spawn('nsenter', this.#inside(argv), {
      detached: true,
      cwd: '/',
      stdio: [script, 'pipe', log, program, 'ipc'],
    });
    for (const file of files) closeSync(file);
    child.unref();
    giveSockets(child);
    const { promise, resolve } = Promise.withResolvers<OutsideReply>();
    const forget = deadline(START_DEADLINE_MS, () =>
      resolve({ ended: `nothing within ${START_DEADLINE_MS / 1000} s` }),
    );
    child.stdout?.once('data', () => resolve({ ready: true }));
    child.once('error', ({ message }) => resolve({ ended: message }));
    child.once('exit', (code, signal) => resolve({ ended: code ?? signal ?? 0 }));
    return promise.finally(() => {
      forget();
      child.stdout?.destroy();
    });
  }

  #inside(argv: readonly string[]): readonly string[] {
    return enterArguments(this.#namespaces.keeper.pid, argv);
  }
}

/** nsenter(1): all capabilities there, since this user made the user namespace. */
function enterArguments(keeper: number, argv: readonly string[]): readonly string[] {
  return ['--target', String(keeper), '--user', '--preserve-credentials', '--mount', '--net', '--', ...argv];
}

function tryToJoin(cgroup: string, pid: number): void {
  try {
    joinEngine(cgroup, pid);
  } catch {
    // A client of another session: it starts nothing by itself but `exec`, which says so.
  }
}
