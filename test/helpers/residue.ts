import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { run } from './run.ts';

/** What a container engine can leave behind on a machine, one line a thing. */
export type Snapshot = ReadonlySet<string>;

/** Reads the machine: mounts, namespaces, links, addresses, routes, nft rules, cgroups, processes, files, forwarding. */
export async function takeSnapshot(): Promise<Snapshot> {
  const lines = [
    ...mounts(),
    ...listed('netns', '/run/netns'),
    ...(await commandLines('link', ['ip', '-br', 'link'], (line) => line.split(/[\s@]/, 1)[0])),
    ...(await commandLines('address', ['ip', '-o', 'addr'], (line) => /^\d+: (\S+ +\S+ \S+)/.exec(line)?.[1])),
    ...(await commandLines('route', ['ip', 'route', 'show', 'table', 'all'], (line) => line)),
    ...(await commandLines('nft', ['nft', '-s', 'list', 'ruleset'], (line) => line.trim())),
    ...cgroups('/sys/fs/cgroup'),
    ...processes(),
    ...['/tmp', '/run', '/var/tmp', '/dev/shm', '/var/lib/tsstack/stacks', '/var/lib/tsstack/volumes'].flatMap(
      (directory) => listed('file', directory),
    ),
    `ip_forward ${readText('/proc/sys/net/ipv4/ip_forward').trim()}`,
  ];
  return new Set(lines);
}

/** What `after` has and `before` had not. RESIDUE_IGNORE is a regular expression of lines to pass over. */
export function residue(before: Snapshot, after: Snapshot): readonly string[] {
  const ignore = new RegExp(process.env['RESIDUE_IGNORE'] ?? '^$');
  return [...after].filter((line) => !before.has(line) && !ignore.test(line)).sort();
}

function mounts(): string[] {
  return (
    readText('/proc/self/mountinfo')
      .split('\n')
      // ip(8) makes this one with the first namespace after a boot, for good.
      .filter((line) => line !== '' && line.split(' ')[4] !== '/run/netns')
      .map((line) => {
        const fields = line.split(' ');
        return `mount ${fields[4]} ${fields[fields.indexOf('-') + 1]}`;
      })
  );
}

function listed(kind: string, directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => `${kind} ${directory}/${name}`);
  } catch {
    return [];
  }
}

async function commandLines(
  kind: string,
  argv: readonly string[],
  pick: (line: string) => string | undefined,
): Promise<string[]> {
  const { stdout } = await run(argv);
  return stdout
    .split('\n')
    .map(pick)
    .filter((text) => text !== undefined && text !== '')
    .map((text) => `${kind} ${text}`);
}

function cgroups(directory: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${directory}/${entry.name}`);
  } catch {
    return [];
  }
  return entries.flatMap((path) => [`cgroup ${path}`, ...cgroups(path)]);
}

/** Processes that live in other namespaces than ours, name tsstack on their command line, or have a file of its open. */
function processes(): string[] {
  const own = namespaces('self');
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    if (Number(pid) === process.pid || Number(pid) === process.ppid) continue;
    const command = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const theirs = namespaces(pid);
    if (command === '' || theirs === '') continue;
    if (theirs !== own || /tsstack/.test(command) || opens(pid, '/var/lib/tsstack/'))
      found.push(`process ${pid} ${command}`);
  }
  return found;
}

function opens(pid: string, directory: string): boolean {
  try {
    const descriptors = readdirSync(`/proc/${pid}/fd`);
    return descriptors.some((each) => readlinkSync(`/proc/${pid}/fd/${each}`).startsWith(directory));
  } catch {
    return false;
  }
}

function namespaces(pid: string): string {
  try {
    return ['mnt', 'net', 'pid', 'uts', 'ipc'].map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)).join(' ');
  } catch {
    return '';
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
