import { type ContainerKey, machineName, netnsName, replicaName } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';

/**
 * Where everything lies. `state` outlives a reboot (records, volumes, images, root filesystems, logs), `run` does not
 * (socket, lock). Both are 0700.
 */
export interface Paths {
  readonly state: string;
  readonly run: string;
  /** What `run` is for what only the daemon and its helpers look at, where their mount namespace is their own. */
  readonly inner?: string;
}

export const DEFAULT_PATHS: Paths = { state: '/var/lib/tsstack', run: '/run/tsstack' };

/** As the environment says; `inner`: in the namespaces of an ordinary user. */
export function pathsFrom(env: NodeJS.ProcessEnv, inner: boolean): Paths {
  return {
    state: env['TSSTACK_STATE_DIR'] ?? DEFAULT_PATHS.state,
    run: env['TSSTACK_RUN_DIR'] ?? DEFAULT_PATHS.run,
    ...(inner && { inner: DEFAULT_PATHS.run }),
  };
}

/** Of the process outside of an ordinary user's namespaces. */
export function outsideDirectory(paths: Paths): string {
  return `${paths.run}-outside`;
}

/** Name of our part of every cgroup hierarchy, and of our nft table. */
export const OWNER = 'tsstack';

export function socketPath(paths: Paths): string {
  return `${paths.run}/daemon.sock`;
}

export function databasePath(paths: Paths): string {
  return `${paths.state}/records.db`;
}

export function stackDirectory(paths: Paths, stack: string): string {
  return `${paths.state}/stacks/${stack}`;
}

export function volumeDirectory(paths: Paths, name: string): string {
  return `${paths.state}/volumes/${oneName(name)}`;
}

/** A name that goes into a path, and stays in its directory. Whoever took it in has said what is wrong with others. */
function oneName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new TsstackError('internal', `${JSON.stringify(name)} cannot be the name of a directory`);
  }
  return name;
}

/** The directory of a volume's content, which containers see. */
export function volumeData(paths: Paths, name: string): string {
  return `${volumeDirectory(paths, name)}/data`;
}

/** Settings of the machine as they were before our first network, to be put back after the last. */
export function hostSettingsPath(paths: Paths): string {
  return `${paths.state}/host-settings.json`;
}

/** A tmpfs of our own while a container with secrets is there. Not below `run`, which goes with the daemon. */
export function secretsRoot(paths: Paths): string {
  return `${paths.inner ?? paths.run}-secrets`;
}

/**
 * Lock, messages and socket of the process that answers while the daemon is away. Not below `run`, which goes with the
 * daemon and is closed to all but root.
 */
export function serveDirectory(paths: Paths): string {
  return `${paths.inner ?? paths.run}-serve`;
}

/** Secrets of one container. */
export function secretsDirectory(paths: Paths, key: ContainerKey): string {
  return `${secretsRoot(paths)}/${machineName(key)}`;
}

/** Configs of one container. */
export function configsDirectory(paths: Paths, key: ContainerKey): string {
  return `${containerPaths(paths, key).directory}/configs`;
}

/** Random bytes that hashes of secrets are keyed with: without them a short secret cannot be guessed from its hash. */
export function secretKeyPath(paths: Paths): string {
  return `${paths.state}/secret-key`;
}

/** Content store: an OCI image layout, beside the unpacked layers. */
export function imageDirectory(paths: Paths): string {
  return `${paths.state}/images`;
}

/** Exit statuses, one file per container, in one directory so that one watch sees them all. */
export function exitDirectory(paths: Paths): string {
  return `${paths.state}/exits`;
}

export function netnsPath(key: ContainerKey): string {
  return `/run/netns/${netnsName(key)}`;
}

/** Path below each cgroup hierarchy: `tsstack/demo/web.1`. */
export function cgroupName(key: ContainerKey): string {
  return `${OWNER}/${key.stack}/${replicaName(key)}`;
}

/** Files of one container. */
export interface ContainerPaths {
  readonly directory: string;
  /** Overlay upper and work directories live below, one pair per overlay. */
  readonly layers: string;
  readonly launchScript: string;
  /** The generated launcher of the coming start; opened and unlinked by the launch script. */
  readonly launcher: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname: string;
  /** Standard output and error, appended by the kernel. */
  readonly log: string;
  /** Standard error of a one-off without a terminal. */
  readonly errorLog: string;
  /** Named pipe that becomes standard input, where that is open. */
  readonly stdin: string;
  /** Generated program that opens what `streams.ts` says, before a start. */
  readonly streams: string;
  /** `/proc/PID/stat` of pid 1 as the host sees it, one line, written just before it becomes the launcher. */
  readonly init: string;
  /** `/proc/PID/stat` of the launch chain. */
  readonly chain: string;
  /** `<run number> <status>\n`, written by the launch chain when pid 1 has ended. */
  readonly exit: string;
}

export function containerPaths(paths: Paths, key: ContainerKey): ContainerPaths {
  const directory = `${stackDirectory(paths, key.stack)}/containers/${replicaName(key)}`;
  return {
    directory,
    layers: `${directory}/layers`,
    launchScript: `${directory}/launch.sh`,
    launcher: `${directory}/launcher`,
    hosts: `${directory}/hosts`,
    resolvConf: `${directory}/resolv.conf`,
    hostname: `${directory}/hostname`,
    log: `${directory}/log`,
    errorLog: `${directory}/log.stderr`,
    stdin: `${directory}/stdin`,
    streams: `${directory}/streams`,
    init: `${directory}/init.stat`,
    chain: `${directory}/chain.stat`,
    exit: `${exitDirectory(paths)}/${machineName(key)}`,
  };
}

/** Directory below `ContainerPaths.layers` of the overlay that is mounted on `target`; no two targets share one. */
export function overlayName(target: string): string {
  return target === '/' ? 'root' : `overlay-${encodeURIComponent(target.slice(1))}`;
}
