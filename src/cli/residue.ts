import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { DEFAULT_PROFILE, LOADED_PROFILES } from '../model/apparmor.ts';
import { OWNER, outsideDirectory, type Paths, secretsRoot, serveDirectory } from '../store/paths.ts';

/** Something of ours that is on the machine. */
export interface Residue {
  readonly kind: 'process' | 'netns' | 'link' | 'nft' | 'profile' | 'cgroup' | 'mount' | 'file';
  /** How it is found by hand: a name, a path, a pid with its command line. */
  readonly what: string;
}

/** Names of named namespaces and interfaces begin with this. */
const PREFIX = 'ts-';

/**
 * Everything of ours, found from the kernel alone: nothing is asked of a daemon, nothing is believed that it wrote.
 * Only reads. What is kept on purpose is no residue: volumes (data), images (a cache), records (history), the
 * key of hashes.
 */
export function findResidue(paths: Paths): readonly Residue[] {
  if (process.geteuid?.() !== 0) return findOfUser(paths);
  return [
    ...processes(paths),
    ...named('netns', '/run/netns'),
    ...links(),
    ...nftTables(),
    ...profiles(),
    ...cgroups(),
    ...mounts(paths),
    ...files(paths.state).filter(({ what }) => !isKept(paths, what)),
    ...files(paths.run),
    ...files(secretsRoot(paths)),
    ...files(serveDirectory(paths)),
  ];
}

/** All else of an ordinary user is in namespaces that end with the last process in them. */
function findOfUser(paths: Paths): readonly Residue[] {
  const outside = outsideDirectory(paths);
  const kept = files(paths.state).filter(({ what }) => !isKept(paths, what));
  return [...processes(paths, [outside]), ...kept, ...files(paths.run), ...files(outside)];
}

/** Launch chains, launchers, daemons and who answers names name or open files of ours; what runs in a container is in one of our cgroups. */
function processes(paths: Paths, further: readonly string[] = []): Residue[] {
  const own = new Set(ancestors(process.pid));
  const directories = [paths.state, paths.run, ...(process.geteuid?.() === 0 ? [serveDirectory(paths)] : further)];
  return list('/proc')
    .filter((name) => /^\d+$/.test(name) && !own.has(Number(name)))
    .flatMap((pid): Residue[] => {
      const words = read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
      const ours =
        [...words, ...openFiles(pid)].some((word) => directories.some((directory) => isBelow(word, directory))) ||
        (process.geteuid?.() === 0 && new RegExp(`:/${OWNER}(/|$)`, 'm').test(read(`/proc/${pid}/cgroup`)));
      return ours ? [{ kind: 'process', what: `${pid} ${words.join(' ').slice(0, 120)}`.trimEnd() }] : [];
    });
}

function openFiles(pid: string): string[] {
  return list(`/proc/${pid}/fd`).map((descriptor) => linkTarget(`/proc/${pid}/fd/${descriptor}`));
}

/** A shell that looks for us names us too. */
function ancestors(pid: number): number[] {
  if (pid <= 1) return [];
  // The parent is the second field behind the name, which may hold anything, proc_pid_stat(5).
  const parent = Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1] ?? 0);
  return [pid, ...ancestors(parent)];
}

function isBelow(word: string, directory: string): boolean {
  return word === directory || word.startsWith(`${directory}/`);
}

function named(kind: 'netns', directory: string): Residue[] {
  return list(directory)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => ({ kind, what: name }));
}

/** A bridge may have any name; all that is ours says so in its alias. */
function links(): Residue[] {
  return list('/sys/class/net')
    .filter((name) => name.startsWith(PREFIX) || read(`/sys/class/net/${name}/ifalias`).startsWith(`${OWNER} `))
    .map((name) => ({ kind: 'link', what: name }));
}

function nftTables(): Residue[] {
  const { stdout, error } = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  // Without the tool there can be no table of ours.
  if (error !== undefined) return [];
  return stdout
    .split('\n')
    .filter((line) => line.split(/\s+/)[2]?.startsWith(OWNER) === true)
    .map((line) => ({ kind: 'nft', what: line.trim() }));
}

function profiles(): Residue[] {
  return read(LOADED_PROFILES)
    .split('\n')
    .filter((line) => line.startsWith(`${DEFAULT_PROFILE} `))
    .map(() => ({ kind: 'profile', what: DEFAULT_PROFILE }));
}

function cgroups(): Residue[] {
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')
    .flatMap((mountPoint) => [`${mountPoint}/${OWNER}`])
    .filter((path) => existsSync(path))
    .map((path) => ({ kind: 'cgroup', what: path }));
}

function mounts(paths: Paths): Residue[] {
  const { state, run } = paths;
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ mountPoint: line.split(' ')[4] ?? '', options: line.split(' - ')[1] ?? '' }))
    .filter(
      ({ mountPoint, options }) =>
        mountPoint === secretsRoot(paths) ||
        // The state directory may be a file system of its own.
        [state, run].some((ours) => mountPoint.startsWith(`${ours}/`) || options.includes(`${ours}/`)),
    )
    .map(({ mountPoint }) => ({ kind: 'mount', what: mountPoint }));
}

function isKept({ state }: Paths, what: string): boolean {
  const name = what.slice(state.length + 1);
  return (
    /^(images|volumes)\/|^records\.db|^secret-key$/.test(name) ||
    (name === 'exits/' && list(`${state}/exits`).length === 0)
  );
}

/** Files below one of our directories; directories only where nothing is in them. */
function files(directory: string): Residue[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { withFileTypes: true });
  if (entries.length === 0) return [{ kind: 'file', what: `${directory}/` }];
  return entries.map((entry) => ({
    kind: 'file',
    what: `${directory}/${entry.name}${entry.isDirectory() ? '/' : ''}`,
  }));
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Processes end while we look: what cannot be read is not there. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
