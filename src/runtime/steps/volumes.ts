import type { ContainerSpec } from '../../model/container.ts';
import { TsstackError } from '../../model/error.ts';
import { guardsDevices } from '../capabilities.ts';
import type { LaunchConfig, ResolvedMount } from '../config.ts';
import type { KernelFacts } from '../kernel-facts.ts';
import {
  AT_FDCWD,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOTDIR,
  EROFS,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  S_IFREG,
} from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { ID_COUNT, ownUserNamespace } from '../user-namespace.ts';
import { takeLayers } from './layers.ts';
import {
  attachBind,
  makeDirectories,
  makeMountPoint,
  mountFilesystem,
  mountOptions,
  normalizeTarget,
  openBind,
  removeLink,
} from './mount.ts';

/** A mount of the stack file, with its source taken where it has one. */
export interface TakenMount {
  readonly target: string;
  readonly mount: ResolvedMount;
  /** Descriptor of a bind's source. */
  readonly tree?: number;
}

/** Parents before children, whatever order they were written in. Throws `launch-failed` for two at one place. */
export function sortMounts(mounts: readonly ResolvedMount[]): readonly TakenMount[] {
  const depth = (target: string) => target.split('/').length;
  const sorted = mounts
    .map((mount) => ({ target: normalizeTarget(mount.target), mount }))
    .sort((left, right) => depth(left.target) - depth(right.target));
  const seen = new Set<string>();
  for (const { target } of sorted) {
    if (seen.has(target)) {
      throw new TsstackError('launch-failed', `Two mounts have the target ${target}`, { hint: 'Remove one of them.' });
    }
    seen.add(target);
  }
  return sorted;
}

/** Whether it belongs over one of the kernel's file systems, and so after it. */
export function isBelowKernelMounts(target: string): boolean {
  return /^\/(proc|sys|dev)(\/|$)/.test(target);
}

export function isShared({ mount }: TakenMount): boolean {
  return mount.type === 'bind' && propagationOf(mount.propagation) === 'shared';
}

/** What holds for every mount of a container. */
export interface MountPolicy {
  readonly nodev: boolean;
  /** Of the root filesystem: with no_new_privs, setuid bits and file capabilities count for nothing anyway. */
  readonly nosuid: boolean;
  /** Descriptor of the user namespace whose ids they show. */
  readonly idmap: number | undefined;
  /** We are in a user namespace ourselves. */
  readonly userNamespace?: true | undefined;
}

export function mountPolicy(
  { security }: Pick<ContainerSpec, 'security'>,
  kernel: KernelFacts,
  idmap: number | undefined,
): MountPolicy {
  return {
    nodev: !security.privileged && !guardsDevices(kernel),
    nosuid: security.noNewPrivileges,
    idmap,
    ...ownUserNamespace(kernel),
  };
}

export function takeMount(program: Program, taken: TakenMount, { nodev, idmap }: MountPolicy): TakenMount {
  const { mount } = taken;
  if (mount.type === 'tmpfs') return taken;
  if (mount.type === 'layers') return { ...taken, tree: takeLayers(program, mount, { nodev, idmap }) };
  const tree = openBind(program, {
    source: mount.source,
    subpath: mount.subpath,
    recursive: true,
    attributes: (mount.readOnly ? MOUNT_ATTR_RDONLY : 0) | (nodev ? MOUNT_ATTR_NODEV : 0),
    propagation: propagationOf(mount.propagation),
    idmap: mount.ownIds === true ? undefined : idmap,
  });
  return { ...taken, tree };
}

function propagationOf(text: string | undefined): 'private' | 'slave' | 'shared' {
  if (text === 'shared' || text === 'rshared') return 'shared';
  return text === 'slave' || text === 'rslave' ? 'slave' : 'private';
}

/** `idBase`: the host's id of the container's root. */
export function attachMount(program: Program, { target, mount, tree }: TakenMount, idBase: number): void {
  if (mount.type === 'tmpfs') {
    const defaults = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    makeMountPoint(program, target, 'directory');
    const { flags, data } = mountOptions(mapTmpfsIds(mount.options, idBase), defaults);
    mountFilesystem(program, { type: 'tmpfs', target, flags: flags | (mount.readOnly ? MS_RDONLY : 0), data });
    return;
  }
  if (tree === undefined) throw new Error(`the source of ${target} has not been taken`);
  makeMountPoint(program, target, mount.sourceIsDirectory ? 'directory' : 'file');
  attachBind(program, tree, target, { follow: true });
}

/** The kernel reads ids in options as those of whoever mounts. Throws `launch-failed` for one that is not mapped. */
function mapTmpfsIds(options: string, idBase: number): string {
  if (idBase === 0) return options;
  return options.replaceAll(/(^|,)([ug]id)=(\d+)(?=,|$)/g, (_, start: string, name: string, id: string) => {
    if (Number(id) >= ID_COUNT) {
      throw new TsstackError('launch-failed', `A tmpfs cannot have ${name}=${id} in a user namespace`, {
        hint: `Use ids up to ${ID_COUNT - 1}, or remove userns_mode.`,
      });
    }
    return `${start}${name}=${idBase + Number(id)}`;
  });
}

/** /etc/hosts, /etc/hostname and /etc/resolv.conf, kept by the host and bound into the container. */
export interface TakenFile {
  readonly target: string;
  readonly tree: number;
}

export function takeEtcFiles(
  program: Program,
  { spec, paths }: Pick<LaunchConfig, 'spec' | 'paths'>,
  options: { readonly covered: ReadonlySet<string>; readonly idmap: number | undefined },
): readonly TakenFile[] {
  const files = [
    { target: '/etc/hosts', source: paths.hosts },
    // A step of a build may write one for the image, as with BuildKit.
    ...(spec.image.source.type === 'layers' ? [] : [{ target: '/etc/hostname', source: paths.hostname }]),
    { target: '/etc/resolv.conf', source: paths.resolvConf },
  ];
  return files
    .filter(({ target }) => !options.covered.has(target))
    .map(({ target, source }) => {
      const attributes = MOUNT_ATTR_NODEV | (spec.readOnly ? MOUNT_ATTR_RDONLY : 0);
      const { idmap } = options;
      const tree = openBind(program, { source, recursive: false, attributes, propagation: 'private', idmap });
      return { target, tree };
    });
}

/**
 * An image may have links in these places, also dangling ones (resolv.conf of systemd-resolved): they are replaced. An
 * image whose /etc leads nowhere, or that has directories there, goes without.
 */
export function attachEtcFile(program: Program, { target, tree }: TakenFile, etcIsMount: boolean): void {
  program.call('mkdirat', [AT_FDCWD, '/etc', 0o755], 'make directory /etc', { tolerate: [EEXIST] });
  // A directory of the host or a volume keeps its links.
  if (!etcIsMount) removeLink(program, target);
  program.call('mknodat', [AT_FDCWD, target, S_IFREG | 0o644, 0], `make an empty file ${target}`, {
    tolerate: [EEXIST, ENOENT, EROFS],
  });
  program.call('move_mount', [tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH], `mount it on ${target}`, {
    tolerate: [EINVAL, ENOENT, ENOTDIR],
  });
  program.close(tree);
}

/**
 * A device node of the host. Bound, not made anew, as it keeps its mode and owner; on a read-only mount, where the
 * device can be written and the host's node cannot be changed.
 */
export function takeDevice(program: Program, source: string): number {
  return openBind(program, { source, recursive: false, attributes: MOUNT_ATTR_RDONLY, propagation: 'private' });
}

/** `tree` may be a directory of devices (`/dev/snd`). */
export function attachDevice(program: Program, tree: number, target: string): void {
  const parent = target.slice(0, target.lastIndexOf('/'));
  makeDirectories(program, parent);
  // Looking up "." works in directories only, and leaves the mount point's kind to be made.
  program.call('faccessat', [tree, '.', 0], `see whether ${target} is a directory`, {
    tolerate: [ENOTDIR],
    skip: 1,
  });
  program.call('mkdirat', [AT_FDCWD, target, 0o755], `make directory ${target}`, { tolerate: [EEXIST] });
  program.call('mknodat', [AT_FDCWD, target, S_IFREG | 0o644, 0], `make an empty file ${target}`, {
    tolerate: [EEXIST],
  });
  attachBind(program, tree, target, { follow: false });
}
