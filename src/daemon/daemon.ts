import { rmSync } from 'node:fs';
import { removeAbandonedBuilds } from '../engine/build/run-container.ts';
import { keepRemovingOneOffs } from '../engine/ended-one-offs.ts';
import { Engine } from '../engine/engine.ts';
import { revive } from '../engine/revive.ts';
import { CommandShells } from '../host/command-shells.ts';
import { OutsideLink } from '../host/outside-link.ts';
import { RealHost } from '../host/real-host.ts';
import { ServeProcess } from '../host/serve-process.ts';
import { parseRootless, ROOTLESS_VARIABLE } from '../model/rootless.ts';
import { DatabaseLockedError } from '../store/database.ts';
import { databasePath, type Paths, pathsFrom, serveDirectory, socketPath } from '../store/paths.ts';
import { makePrivateDirectory } from '../store/private-directory.ts';
import { Records } from '../store/records.ts';
import { ApiServer } from './server.ts';

/** How long an idle daemon stays for a next command. */
const LINGER_MS = 250;
/** Another daemon holds the records: EX_TEMPFAIL of sysexits.h. */
const EXIT_ALREADY_RUNNING = 75;

/** Runs the daemon until nothing is left to supervise, or SIGTERM. Containers go on when it ends. */
export async function runDaemon(environment: NodeJS.ProcessEnv): Promise<void> {
  process.umask(0o022);
  process.chdir('/');
  const rootless = parseRootless(environment[ROOTLESS_VARIABLE]);
  const paths = pathsFrom(environment, rootless !== undefined);
  makePrivateDirectory(paths.state);
  const records = openRecords(paths);
  if (records === undefined) {
    process.exitCode = EXIT_ALREADY_RUNNING;
    return;
  }
  makePrivateDirectory(paths.run);
  // They end with us.
  const shells = new CommandShells();
  const host = new RealHost((argv, options) => shells.run(argv, options));
  const outside = rootless === undefined ? undefined : new OutsideLink(rootless);
  const serve = new ServeProcess(serveDirectory(paths), `${import.meta.dirname}/serve.cjs`, outside?.startServe);
  const engine = await Engine.start(host, paths, records, { serve, ...(outside !== undefined && { outside }) });
  // Before any client can ask: its commands wait for this.
  void revive(engine);
  keepRemovingOneOffs(engine);
  void removeAbandonedBuilds(engine);
  const daemon = new Daemon(engine, paths);
  process.on('SIGTERM', () => void daemon.end());
  process.on('SIGINT', () => void daemon.end());
  await daemon.start();
}

function openRecords(paths: Paths): Records | undefined {
  try {
    const { records, setAside } = Records.open(databasePath(paths));
    if (setAside !== undefined) {
      process.stderr.write(`The records were damaged; they are kept as ${setAside} and made again from the machine.\n`);
    }
    return records;
  } catch (error) {
    if (error instanceof DatabaseLockedError) return undefined;
    throw error;
  }
}

class Daemon {
  readonly #engine: Engine;
  readonly #paths: Paths;
  readonly #server: ApiServer;
  #linger: NodeJS.Timeout | undefined;
  #ending = false;

  constructor(engine: Engine, paths: Paths) {
    this.#engine = engine;
    this.#paths = paths;
    this.#server = new ApiServer(engine, () => this.#maybeLinger());
    engine.supervisor.changes.on(() => this.#maybeLinger());
  }

  async start(): Promise<void> {
    await this.#server.listen(socketPath(this.#paths));
    this.#maybeLinger();
  }

  /** Can be called twice. The socket goes first, so that a client that comes now starts a new daemon. */
  async end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    clearTimeout(this.#linger);
    // Before the records are let go of: the next daemon starts another one.
    const nothingRuns = this.#engine.supervisor.active === 0;
    rmSync(this.#paths.run, { recursive: true, force: true });
    await this.#server.close();
    if (nothingRuns) await this.#engine.release();
    this.#engine.close();
    process.exit(0);
  }

  #maybeLinger(): void {
    clearTimeout(this.#linger);
    if (this.#ending || !this.#idle) return;
    const end = (): void => {
      // Something may have begun meanwhile.
      if (this.#idle) void this.end();
    };
    this.#linger = setTimeout(end, this.#engine.finished ? 0 : LINGER_MS);
  }

  get #idle(): boolean {
    return this.#engine.idle && this.#server.pending === 0;
  }
}
