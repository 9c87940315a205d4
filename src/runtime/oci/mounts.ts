import type { ContainerSpec } from '../../model/container.ts';
import { guardsDevices } from '../capabilities.ts';
import type { LaunchConfig, ResolvedMount } from '../config.ts';
import { isBelowKernelMounts, sortMounts } from '../steps/volumes.ts';
import { bundlePaths } from './bundle.ts';
import type { OciMount } from './config.ts';
import { runtimeTraits } from './runtimes.ts';

/** What the start's launcher takes hold of, before the runtime is there. */
export type Source =
  | { readonly type: 'overlay'; readonly target: string }
  | { readonly type: 'mount'; readonly target: string; readonly mount: ResolvedMount }
  | { readonly type: 'etc'; readonly target: string }
  | { readonly type: 'device'; readonly path: string }
  | { readonly type: 'host'; readonly path: string; readonly recursive: boolean; readonly readOnly: boolean }
  | { readonly type: 'sysfs'; readonly readOnly: boolean }
  | { readonly type: 'cgroups' }
  | { readonly type: 'file'; readonly path: string };

/** One mount of config.json, and where what it binds comes from. */
export interface PlacedMount {
  readonly mount: OciMount;
  readonly source?: Source;
  /** Where the launcher puts that: a file or directory of the bundle. */
  readonly place: string;
  /** It is a directory. */
  readonly directory: boolean;
}

const HARDENED = ['nosuid', 'noexec', 'nodev'];

/**
 * The mounts of config.json in their order, as the launcher makes them: volumes before the kernel's file systems, what
 * belongs below those after them. Everything of the host is taken by our launcher, in the way of a built-in start
 * (sub-paths inside their volume, ids mapped, read-only with all below), and the runtime binds only what that has put
 * into the bundle.
 */
export function ociMounts(config: LaunchConfig): readonly PlacedMount[] {
  const { spec, rootfs, paths, kernel } = config;
  const { privileged } = spec.security;
  const bundle = bundlePaths(paths);
  const sorted = sortMounts(config.mounts);
  const covered = new Set(sorted.map(({ target }) => target));
  const etc = ['/etc/hosts', ...(spec.image.source.type === 'layers' ? [] : ['/etc/hostname']), '/etc/resolv.conf'];
  const flags = !privileged && !guardsDevices(kernel) ? ['nodev'] : [];
  const rootFlags = spec.security.noNewPrivileges ? [...flags, 'nosuid'] : flags;
  const drafts: readonly Draft[] = [
    ...rootfs.overlays.map(({ target }) =>
      bind(target, { type: 'overlay', target }, { readOnly: spec.readOnly, flags: rootFlags, directory: true }),
    ),
    ...sorted.filter(({ target }) => !isBelowKernelMounts(target)).map((each) => written(each, flags)),
    ...etc
      .filter((target) => !covered.has(target))
      .map((target) =>
        bind(target, { type: 'etc', target }, { readOnly: spec.readOnly, flags: ['nodev'], directory: false }),
      ),
    ...kernelMounts(config),
    ...(spec.init
      ? [bind(INIT, { type: 'file', path: bundle.init }, { readOnly: true, flags: ['nodev'], directory: false })]
      : []),
    ...spec.security.devices.map(({ source, target }) =>
      bind(
        target,
        { type: 'device', path: source },
        { readOnly: true, directory: config.oci?.deviceDirectories.includes(source) ?? false },
      ),
    ),
    ...sorted.filter(({ target }) => isBelowKernelMounts(target)).map((each) => written(each, flags)),
  ];
  const seen = seenBundle(config);
  return drafts.map(({ mount, source, directory }, index) => ({
    mount: source === undefined ? mount : { ...mount, source: `${seen}/mounts/${index}` },
    ...(source !== undefined && { source }),
    place: `${bundle.mounts}/${index}`,
    directory,
  }));
}

/**
 * The directory by which the runtime finds what was put into the bundle. A root of its own (`userns_mode`) cannot look
 * through our directories, which are closed to all but the host's root: it is shown the bundle where everybody may look.
 */
export function seenBundle({ spec, paths }: LaunchConfig): string {
  return spec.namespaces.user === 'private' ? OPEN_PLACE : bundlePaths(paths).directory;
}

/** Taken over in the start's own mount namespace: it is on every machine, and no runtime uses the host's. */
export const OPEN_PLACE = '/dev/shm';

/** Where the init of `init: true` is seen inside. */
export const INIT = '/dev/init';

type Draft = Omit<PlacedMount, 'place'>;

interface BindOptions {
  readonly readOnly: boolean;
  readonly flags?: readonly string[];
  readonly directory: boolean;
}

/** What the launcher has set already is said once more: some runtimes clear what is not. */
function bind(target: string, source: Source, { readOnly, flags = [], directory }: BindOptions): Draft {
  const propagation = source.type === 'mount' && source.mount.type === 'bind' ? source.mount.propagation : undefined;
  const options = ['rbind', propagationOf(propagation), readOnly ? 'ro' : 'rw', ...flags];
  return { mount: { destination: target, type: 'bind', source: '', options }, source, directory };
}

function written(
  { target, mount }: { readonly target: string; readonly mount: ResolvedMount },
  flags: readonly string[],
): Draft {
  const source: Source = { type: 'mount', target, mount };
  switch (mount.type) {
    case 'bind':
      return bind(target, source, { readOnly: mount.readOnly, flags, directory: mount.sourceIsDirectory });
    case 'layers':
      return bind(target, source, { readOnly: true, flags, directory: mount.sourceIsDirectory });
    case 'tmpfs': {
      const options = [...HARDENED, ...mount.options.split(',').filter((option) => option !== '')];
      return {
        mount: {
          destination: target,
          type: 'tmpfs',
          source: 'tmpfs',
          options: mount.readOnly ? [...options, 'ro'] : options,
        },
        directory: true,
      };
    }
  }
}

function propagationOf(text: string | undefined): string {
  if (text === 'shared' || text === 'rshared') return 'rshared';
  return text === 'slave' || text === 'rslave' ? 'rslave' : 'rprivate';
}

function kernelMounts(config: LaunchConfig): readonly Draft[] {
  const { spec } = config;
  const { privileged } = spec.security;
  const { ipc, user } = spec.namespaces;
  const mapped = user === 'private';
  const access = privileged ? 'rw' : 'ro';
  return [
    filesystem('/proc', 'proc', HARDENED),
    // The network namespace is the host's root's, so a root of its own may not show its devices.
    mapped
      ? bind(
          '/sys',
          { type: 'sysfs', readOnly: !privileged },
          { readOnly: !privileged, flags: HARDENED, directory: true },
        )
      : filesystem('/sys', 'sysfs', [...HARDENED, access]),
    cgroupMount(config),
    privileged
      ? bind('/dev', host('/dev', false, false), { readOnly: false, directory: true })
      : filesystem('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    filesystem('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
    ...(ipc === 'none' ? [] : [shmMount(spec)]),
    filesystem('/dev/mqueue', 'mqueue', HARDENED),
  ];
}

function shmMount({ namespaces, shmSizeBytes }: ContainerSpec): Draft {
  if (namespaces.ipc !== 'host')
    return filesystem('/dev/shm', 'tmpfs', [...HARDENED, 'mode=1777', `size=${shmSizeBytes}`], 'shm');
  return bind('/dev/shm', host('/dev/shm', false, false), { readOnly: false, directory: true });
}

/**
 * The container's own cgroups. Runtimes differ in what they show of version 1 and in whether it can be written, so they
 * are made by our launcher; a runtime that is a kernel of its own has its own.
 */
function cgroupMount({ spec, oci }: LaunchConfig): Draft {
  const target = '/sys/fs/cgroup';
  const readOnly = !spec.security.privileged;
  const flags = [...HARDENED, 'relatime'];
  if (spec.namespaces.cgroup === 'host') {
    return bind(target, host(target, true, readOnly), { readOnly, directory: true });
  }
  if (oci !== undefined && !runtimeTraits(oci.program).namespaces) {
    return filesystem(target, 'cgroup', [...flags, readOnly ? 'ro' : 'rw']);
  }
  return bind(target, { type: 'cgroups' }, { readOnly, flags, directory: true });
}

function host(path: string, recursive: boolean, readOnly: boolean): Source {
  return { type: 'host', path, recursive, readOnly };
}

function filesystem(destination: string, type: string, options: readonly string[], source = type): Draft {
  return { mount: { destination, type, source, options }, directory: true };
}
