import { spawn } from 'node:child_process';
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { inhabitants, killIfAlive, lives, lookAt, namespacesOf, type Process } from './processes.ts';
import { SETUP } from './setup.ts';
import { PASTA_DNS, readyOf, SLIRP_DNS, startUplink, uplinkTool } from './uplink.ts';

const FILE = 'namespaces';

/** The namespaces of one user. */
export interface Namespaces {
  /** Who keeps them. */
  readonly keeper: Process;
  /** Carries packets between their network and the machine's. */
  readonly uplink: Process;
  /** What the kernel calls them: see `namespacesOf()`. */
  readonly home: string;
}

/** Those that one before us has made and left, or new ones. Throws what a program said that did not do its part. */
export async function obtainNamespaces(directory: string): Promise<Namespaces> {
  const before = readBefore(directory);
  const mended = before === undefined ? undefined : await mendNamespaces(before, directory);
  if (mended !== undefined) return mended;
  const tool = uplinkTool();
  const keeper = await makeKeeper(directory, tool === 'pasta' ? PASTA_DNS : SLIRP_DNS);
  try {
    const home = namespacesOf(keeper.pid);
    if (home === undefined) throw new Error('who keeps the namespaces has ended');
    return remember({ keeper, home, uplink: await startUplink(tool, keeper, directory) }, directory);
  } catch (error) {
    killIfAlive(keeper, 'SIGKILL');
    throw error;
  }
}

/**
 * Puts another process in the place of the one that keeps them, and starts the one that carries packets again, where
 * somebody has killed them. undefined: nobody is in them any more.
 */
export async function mendNamespaces(before: Namespaces, directory: string): Promise<Namespaces | undefined> {
  const keeper = lives(before.keeper) ? before.keeper : findKeeper(before.home);
  if (keeper === undefined) {
    killIfAlive(before.uplink, 'SIGKILL');
    return undefined;
  }
  if (keeper === before.keeper && lives(before.uplink)) return before;
  const uplink = lives(before.uplink) ? before.uplink : await startUplink(uplinkTool(), keeper, directory);
  return remember({ ...before, keeper, uplink }, directory);
}

/** Whoever is in all of them does: who waits for a container, for one. */
function findKeeper(home: string): Process | undefined {
  const found = inhabitants(home).find(({ namespaces }) => namespaces === home);
  return found && lookAt(found.pid);
}

function remember(namespaces: Namespaces, directory: string): Namespaces {
  writeFileSync(`${directory}/${FILE}`, JSON.stringify(namespaces), { mode: 0o600 });
  return namespaces;
}

/** Only when nobody is in them. */
export function endNamespaces({ keeper, uplink }: Namespaces, directory: string): void {
  killIfAlive(uplink, 'SIGKILL');
  killIfAlive(keeper, 'SIGKILL');
  rmSync(`${directory}/${FILE}`, { force: true });
}

/**
 * User 0 is this user, 1 and above are those of /etc/subuid, which newuidmap and newgidmap see to (unshare(1),
 * "--map-auto"). Mounts that the machine makes later are seen inside; ours never outside.
 */
function makeKeeper(directory: string, nameServer: string): Promise<Process> {
  const own = ['--user', '--map-root-user', '--map-auto', '--mount', '--net', '--propagation', 'slave'];
  const log = openSync(`${directory}/log`, 'a', 0o600);
  const child = spawn('unshare', [...own, 'sh', '-c', SETUP, 'tsstack keeper', nameServer], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'pipe', log],
  });
  child.unref();
  return readyOf(child, child.stdout, 'what makes the namespaces').finally(() => child.stdout?.destroy());
}

function readBefore(directory: string): Namespaces | undefined {
  try {
    return JSON.parse(readFileSync(`${directory}/${FILE}`, 'utf8')) as Namespaces;
  } catch {
    return undefined;
  }
}
