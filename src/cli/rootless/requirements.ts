import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { dirname } from 'node:path';
import { chooseUplink } from '../../model/uplink.ts';
import type { Paths } from '../../store/paths.ts';
import type { DoctorCheck } from '../doctor/check.ts';

/** overlayfs.rst, "User xattr": since Linux 5.11; the launcher needs 5.12. */
const LEAST_KERNEL = [5, 12] as const;
/** Ids that a user needs beside his own, so that an image may have any up to 65534. */
const LEAST_IDS = 65_535;
const TUN = '/dev/net/tun';
/** It takes some 10 ms. */
const TRIAL_DEADLINE_MS = 20_000;

/** What stands in the way of an ordinary user. */
export function findMissing(paths: Paths): readonly DoctorCheck[] {
  return quickChecks(paths).filter(({ status }) => status === 'missing');
}

/** Everything that an ordinary user needs, looked at without changing anything. */
export function userChecks(paths: Paths): readonly DoctorCheck[] {
  const checks = quickChecks(paths);
  // Whatever else may be in the way; what was found already would be said twice.
  return checks.some(({ status }) => status === 'missing') ? checks : [...checks, checkTrial(tryNamespaces)];
}

function quickChecks(paths: Paths): readonly DoctorCheck[] {
  const text = (path: string): string | undefined => readText(path);
  return [
    checkUserNamespaces(text, tryNamespaces),
    checkMapTool('newuidmap', find),
    checkMapTool('newgidmap', find),
    checkIds('/etc/subuid', text('/etc/subuid') ?? '', userInfo()),
    checkIds('/etc/subgid', text('/etc/subgid') ?? '', userInfo()),
    checkMapAuto(),
    checkUplink(find, text('/proc/net/route') ?? ''),
    checkTun(openTun),
    checkRuntimeDirectory(dirname(paths.run)),
    checkOverlay(release()),
  ];
}

/** `read`: the text of a file, undefined where there is none; `attempt`: see `tryNamespaces()`. */
export function checkUserNamespaces(
  read: (path: string) => string | undefined,
  attempt: typeof tryNamespaces,
): DoctorCheck {
  const name = 'user namespaces';
  const setting = (key: string): string | undefined => read(`/proc/sys/${key.replaceAll('.', '/')}`)?.trim();
  const refuse = (key: string, value: string): DoctorCheck => {
    const present = setting(key);
    return { name, status: 'missing', found: `${key} is ${present}`, fix: `sudo sysctl -w ${key}=${value}` };
  };
  if (setting('kernel.unprivileged_userns_clone') === '0') return refuse('kernel.unprivileged_userns_clone', '1');
  if (setting('user.max_user_namespaces') === '0') return refuse('user.max_user_namespaces', '15000');
  if (setting('user.max_user_namespaces') === undefined) {
    return { name, status: 'missing', found: 'kernel built without CONFIG_USER_NS' };
  }
  if (setting('kernel.apparmor_restrict_unprivileged_userns') === '1') {
    // Not for programs with a profile that allows it.
    return attempt([]) === undefined
      ? { name, status: 'ok', found: 'AppArmor lets unshare make them' }
      : refuse('kernel.apparmor_restrict_unprivileged_userns', '0');
  }
  return { name, status: 'ok', found: 'any user may make them' };
}

/** `find`: the path of a program. */
export function checkMapTool(name: string, find: (tool: string) => string | undefined): DoctorCheck {
  const path = find(name);
  if (path === undefined) return { name, status: 'missing', found: 'not found', fix: 'sudo apt-get install -y uidmap' };
  // Debian's is set-user-ID, others' have the capability in an attribute, which only getcap shows: `checkTrial()` tells.
  return { name, status: 'ok', found: path };
}

/** Namespaces as `up` makes them, for a moment. */
export function checkTrial(attempt: typeof tryNamespaces): DoctorCheck {
  const name = 'namespaces of this user';
  const said = attempt(['--map-auto', '--net']);
  if (said === undefined) return { name, status: 'ok', found: 'can be made' };
  const fix = /newuidmap|newgidmap/.test(said) ? 'sudo apt-get install --reinstall -y uidmap' : undefined;
  return { name, status: 'missing', found: `cannot be made: ${said}`, ...(fix !== undefined && { fix }) };
}

/**
 * Makes namespaces with these further options of unshare(1), and a mount there, which AppArmor may forbid where it lets
 * them be made; all of it goes with the program. Returns what was said where that failed.
 */
function tryNamespaces(options: readonly string[]): string | undefined {
  const argv = ['--user', '--map-root-user', '--mount', ...options, 'mount', '-t', 'tmpfs', 'tmpfs', '/run'];
  const { status, signal, stderr, error } = spawnSync('unshare', argv, {
    encoding: 'utf8',
    timeout: TRIAL_DEADLINE_MS,
  });
  if (status === 0) return undefined;
  const said = stderr?.trim().replaceAll('\n', '; ') ?? '';
  return error?.message ?? (said === '' ? `unshare ended with ${status ?? signal}` : said);
}

/** `text`: of /etc/subuid or /etc/subgid, subuid(5). */
export function checkIds(
  name: string,
  text: string,
  { username, uid }: { readonly username: string; readonly uid: number },
): DoctorCheck {
  const option = name.endsWith('uid') ? '--add-subuids' : '--add-subgids';
  const fix = `sudo usermod ${option} ${firstFree(text)}-${firstFree(text) + LEAST_IDS} ${username}`;
  const own = ranges(text).filter(({ owner }) => owner === username || owner === String(uid));
  // unshare --map-auto takes the first.
  const [first] = own;
  if (first === undefined) return { name, status: 'missing', found: `no line for ${username}`, fix };
  const { start, count } = first;
  const found = `${count} ids from ${start} on`;
  if (count >= LEAST_IDS) return { name, status: 'ok', found };
  return { name, status: 'warning', found: `${found}: images with ids above ${count} cannot be unpacked`, fix };
}

interface Range {
  readonly owner: string;
  readonly start: number;
  readonly count: number;
}

function ranges(text: string): readonly Range[] {
  return text.split('\n').flatMap((line) => {
    const [owner = '', start = '', count = ''] = line.split(':');
    return owner === '' || count === '' ? [] : [{ owner, start: Number(start), count: Number(count) }];
  });
}

/** Above all that are given out; login.defs begins with 100000. */
function firstFree(text: string): number {
  return Math.max(100_000, ...ranges(text).map(({ start, count }) => start + count));
}

function checkMapAuto(): DoctorCheck {
  const name = 'unshare --map-auto';
  const { stdout, error } = spawnSync('unshare', ['--help'], { encoding: 'utf8' });
  if (error === undefined && stdout.includes('--map-auto')) return { name, status: 'ok', found: 'supported' };
  return { name, status: 'missing', found: 'needs util-linux 2.38', fix: 'sudo apt-get install -y util-linux' };
}

/** `find`: the path of a program; `routes`: text of /proc/net/route. */
export function checkUplink(find: (tool: string) => string | undefined, routes: string): DoctorCheck {
  const name = 'pasta or slirp4netns';
  const found = ['pasta', 'slirp4netns'].flatMap((tool) => find(tool) ?? []);
  if (chooseUplink((tool) => find(tool) !== undefined, routes) !== undefined) {
    return { name, status: 'ok', found: found.join(', ') };
  }
  if (found.length === 0) {
    return { name, status: 'missing', found: 'neither is there', fix: 'sudo apt-get install -y passt' };
  }
  return {
    name,
    status: 'missing',
    found: 'pasta, which needs a default route; this machine has none',
    fix: 'sudo apt-get install -y slirp4netns',
  };
}

/** `open` throws what open(2) says. */
export function checkTun(open: () => void): DoctorCheck {
  const name = TUN;
  try {
    open();
    return { name, status: 'ok', found: 'usable' };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { name, status: 'missing', found: 'not there', fix: 'sudo modprobe tun' };
    // There is a node, and no driver behind it.
    const fix = code === 'ENODEV' || code === 'ENXIO' ? 'sudo modprobe tun' : `sudo chmod 666 ${TUN}`;
    return { name, status: 'missing', found: `cannot be opened: ${code}`, fix };
  }
}

function openTun(): void {
  closeSync(openSync(TUN, constants.O_RDWR));
}

function checkRuntimeDirectory(directory: string): DoctorCheck {
  const name = 'XDG_RUNTIME_DIR';
  const stat = statSync(directory, { throwIfNoEntry: false });
  const make = 'mkdir -p -m 700 ~/.run && export XDG_RUNTIME_DIR=~/.run';
  if (stat === undefined) return { name, status: 'missing', found: `${directory} is not there`, fix: make };
  if (stat.uid !== process.geteuid?.()) {
    return { name, status: 'missing', found: `${directory} belongs to uid ${stat.uid}`, fix: make };
  }
  try {
    accessSync(directory, constants.W_OK);
  } catch {
    return { name, status: 'missing', found: `${directory} cannot be written`, fix: `chmod 700 ${directory}` };
  }
  const open = (stat.mode & 0o077) !== 0;
  return open
    ? { name, status: 'missing', found: `${directory} is open to others`, fix: `chmod 700 ${directory}` }
    : { name, status: 'ok', found: directory };
}

/** `version`: what uname(2) calls release. */
export function checkOverlay(version: string): DoctorCheck {
  const name = 'overlay for users';
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const least = LEAST_KERNEL.join('.');
  if (major > LEAST_KERNEL[0] || (major === LEAST_KERNEL[0] && minor >= LEAST_KERNEL[1])) {
    return { name, status: 'ok', found: `Linux ${version} (needs ${least})` };
  }
  return { name, status: 'missing', found: `Linux ${version}, needs ${least}` };
}

function find(tool: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin'];
  return directories.map((directory) => `${directory}/${tool}`).find((path) => existsSync(path));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
