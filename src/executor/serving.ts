import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServeLink } from '../host/serve-link.ts';
import type { FailedSocket, Served, ServeReply, ServeRequest } from '../model/served.ts';
import type { Records } from '../store/records.ts';
import { anyRuns, served } from './served.ts';

/** How the process comes and goes: `ServeProcess` of the host layer. */
export interface ServeHost {
  find(): Promise<Socket | undefined>;
  start(): Promise<Socket>;
  /** Removes what it leaves; `kill`: ends it first, since it does not do so itself. */
  remove(kill: boolean): void;
}

/** One that does not start, or ends again at once, is not started sooner; doubled from time to time. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 60_000;
/** Longer than this nobody waits for it. */
const MOST_WAIT_MS = 1000;
/** One that has lived for so long is not one that ends at once. */
const STABLE_MS = 10_000;

export interface ServingOptions {
  readonly warn: (message: string) => void;
  readonly rootless: boolean;
}

/**
 * Keeps the process of src/serve as the records are. Holds no truth: a daemon that comes later tells it everything anew.
 * Invariant: one conversation at a time; what is asked for meanwhile is one more together.
 */
export class Serving {
  readonly #host: ServeHost;
  readonly #records: Records;
  readonly #warn: ServingOptions['warn'];
  readonly #rootless: boolean;
  #link: ServeLink | undefined;
  #told: Told | undefined;
  /** The records that it was told of. */
  #toldState: readonly unknown[] | undefined;
  #failed: readonly FailedSocket[] = [];
  /** Why it could not be started. */
  #problem: string | undefined;
  #retryMs = FIRST_RETRY_MS;
  #notBeforeMs = 0;
  #openedMs = 0;
  #retry: NodeJS.Timeout | undefined;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #expected = false;
  #closed = false;

  /** `rootless`: every published port is relayed, from the machine's network into ours. */
  constructor(host: ServeHost, records: Records, { warn, rootless }: ServingOptions) {
    this.#host = host;
    this.#records = records;
    this.#warn = warn;
    this.#rootless = rootless;
  }

  /** Done when it knows the records as they are now, or cannot be made to: then `answers()` is false. Never rejects. */
  update(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#current.then(async () => {
      // What is asked for in the same turn goes along.
      await new Promise((resolve) => setImmediate(resolve));
      this.#next = undefined;
      await this.#tell().catch((error: unknown) => this.#warn(`Names are not up to date: ${String(error)}`));
    });
    this.#next = next;
    this.#current = next;
    return next;
  }

  /** It will be needed: it starts meanwhile. */
  prepare(): void {
    this.#expected = true;
    void this.update();
  }

  /** Whether names can be asked for on a gateway; of one that it was not told of yet: whether there is reason to think so. */
  answers(gateway: string): boolean {
    if (this.#problem !== undefined) return false;
    return !this.#failed.some(({ use, address }) => use === 'names' && address === gateway);
  }

  /** Why names cannot be asked for anywhere. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get failed(): readonly FailedSocket[] {
    return this.#failed;
  }

  /** Its process; undefined where there is none. */
  get pid(): number | undefined {
    return this.#link?.pid === 0 ? undefined : this.#link?.pid;
  }

  /** Lets go of it: it goes on. Can be called twice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#link?.close();
  }

  /** Nobody is left who could ask: it ends, and nothing is left of it. */
  async end(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#current;
    const ended = this.#link === undefined ? false : await this.#sayEnd(this.#link);
    this.#host.remove(!ended);
  }

  /** Whether it has ended: its end of the connection goes with it. */
  async #sayEnd(link: ServeLink): Promise<boolean> {
    const gone = Promise.withResolvers<boolean>();
    this.#onLost = () => gone.resolve(true);
    try {
      await link.request({ anew: true, networks: [], containers: {}, relays: [], end: true });
      return await gone.promise;
    } catch {
      return false;
    } finally {
      link.close();
    }
  }

  #onLost: () => void = () => {
    if (this.#closed) return;
    if (performance.now() - this.#openedMs > STABLE_MS) this.#retryMs = FIRST_RETRY_MS;
    else this.#putOff();
    void this.update();
  };

  #putOff(): void {
    this.#notBeforeMs = performance.now() + this.#retryMs;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.update(), this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  async #tell(): Promise<void> {
    if (this.#closed || this.#knowsAll()) return;
    const state = this.#state();
    const now = served(this.#records, this.#rootless);
    const needed = now.networks.length > 0 && anyRuns(this.#records);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (!(await this.#open(this.#expected || needed)) || this.#link === undefined) return;
      try {
        const { failed } = await this.#say(this.#link, now);
        this.#failed = failed;
        this.#toldState = state;
        return;
      } catch {
        this.#link?.close();
        this.#link = undefined;
        // It hangs, or is ending.
        this.#host.remove(true);
      }
    }
  }

  /** Whether it was told of the records as they are, and can do what it was told. */
  #knowsAll(): boolean {
    const told = this.#toldState;
    return (
      this.#link !== undefined && this.#failed.length === 0 && this.#state().every((each, at) => each === told?.[at])
    );
  }

  /** All that `served()` looks at: other lists as soon as anything in them changes. */
  #state(): readonly unknown[] {
    const { containers, networks } = this.#records;
    return [containers.all(), networks.all()];
  }

  async #say(link: ServeLink, now: Served): Promise<ServeReply> {
    const next = toldOf(now);
    const request = difference(this.#told, next, now);
    if (request === undefined && this.#failed.length === 0) return { id: 0, pid: link.pid, failed: [] };
    this.#told = next;
    return link.request(request ?? {});
  }

  /** Finds it, or starts it where `needed`. */
  async #open(needed: boolean): Promise<boolean> {
    if (this.#link !== undefined) return true;
    const waitMs = this.#notBeforeMs - performance.now();
    if (waitMs > MOST_WAIT_MS) return false;
    if (waitMs > 0) await sleep(waitMs);
    try {
      const socket = (await this.#host.find()) ?? (needed ? await this.#host.start() : undefined);
      if (socket === undefined) return false;
      this.#openedMs = performance.now();
      this.#told = undefined;
      this.#toldState = undefined;
      this.#failed = [];
      this.#problem = undefined;
      const link = new ServeLink(socket, () => {
        if (this.#link === link) this.#link = undefined;
        this.#onLost();
      });
      this.#link = link;
      return true;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#warn(
        `Names are answered by /etc/hosts alone: the process that answers them does not start: ${this.#problem}`,
      );
      this.#putOff();
      return false;
    }
  }
}

/** What it knows, as text to compare. */
interface Told {
  readonly networks: string;
  readonly relays: string;
  readonly containers: ReadonlyMap<string, string>;
}

function toldOf({ networks, relays, containers }: Served): Told {
  return {
    networks: JSON.stringify(networks),
    relays: JSON.stringify(relays),
    containers: new Map(Object.entries(containers).map(([name, container]) => [name, JSON.stringify(container)])),
  };
}

/** What must be said; undefined: nothing. */
function difference(before: Told | undefined, next: Told, now: Served): Omit<ServeRequest, 'id'> | undefined {
  if (before === undefined) return { anew: true, ...now };
  const changed = Object.entries(now.containers).filter(
    ([name]) => before.containers.get(name) !== next.containers.get(name),
  );
  const gone = [...before.containers.keys()].filter((name) => !next.containers.has(name));
  const request: Omit<ServeRequest, 'id'> = {
    ...(before.networks !== next.networks && { networks: now.networks }),
    ...(before.relays !== next.relays && { relays: now.relays }),
    ...(changed.length + gone.length > 0 && {
      containers: { ...Object.fromEntries(changed), ...Object.fromEntries(gone.map((name) => [name, null])) },
    }),
  };
  return Object.keys(request).length === 0 ? undefined : request;
}
