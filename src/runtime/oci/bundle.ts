import { machineName } from '../../model/address.ts';
import type { ContainerSpec } from '../../model/container.ts';
import type { ContainerPaths } from '../../store/paths.ts';

/** Files of a container that an OCI runtime starts, below its directory. */
export interface BundlePaths {
  /** Working directory of the runtime; its config.json lies here. */
  readonly directory: string;
  readonly config: string;
  /** Where what comes from the host is mounted, in a mount namespace of the start's own: `mounts/0`, … */
  readonly mounts: string;
  /** Where the container's root is mounted, in the same namespace. */
  readonly root: string;
  /** The runtime's `--root`: what it knows of the container. */
  readonly state: string;
  readonly log: string;
  /** Host pid of pid 1, written by the runtime. */
  readonly pid: string;
  /** Init of `init: true`, our own. */
  readonly init: string;
  /** Our own, too: has the device program of a built-in start take the place of the runtime's. */
  readonly devices: string;
}

/** The socket that the runtime sends a terminal to, in the bundle: paths of sockets are short (unix(7)). */
export const CONSOLE_SOCKET = 'console';

export function bundlePaths({ directory }: Pick<ContainerPaths, 'directory'>): BundlePaths {
  const bundle = `${directory}/oci`;
  return {
    directory: bundle,
    config: `${bundle}/config.json`,
    mounts: `${bundle}/mounts`,
    root: `${bundle}/rootfs`,
    state: `${bundle}/state`,
    log: `${bundle}/log`,
    pid: `${bundle}/pid`,
    init: `${bundle}/init`,
    devices: `${bundle}/devices`,
  };
}

/** What the runtime knows the container as: `demo.web.1`. */
export function containerId({ key }: Pick<ContainerSpec, 'key'>): string {
  return machineName(key);
}
