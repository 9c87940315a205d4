import type { LaunchConfig } from './config.ts';
import {
  CLONE_NEWNS,
  EBADF,
  EPERM,
  F_SETFD,
  FD_CLOEXEC,
  LAST_DESCRIPTOR,
  MS_REC,
  MS_SLAVE,
  PR_SET_DUMPABLE,
} from './launcher/constants.ts';
import { assembleElf } from './launcher/elf.ts';
import { listCalls } from './launcher/listing.ts';
import { type Call, Program } from './launcher/program.ts';
import { stopPropagation } from './steps/mount.ts';
import { resetSignals } from './steps/process.ts';
import { attachOverlays, changeRoot, makeRootReadOnly, mountOverlays, overlayDirectories } from './steps/root.ts';
import { actAsContainerRoot, makeUserNamespace } from './steps/user-namespace.ts';
import {
  attachEtcFile,
  attachMount,
  isBelowKernelMounts,
  mountPolicy,
  sortMounts,
  takeEtcFiles,
  takeMount,
} from './steps/volumes.ts';
import { hostIdBase } from './user-namespace.ts';

/** Descriptor of the status pipe. */
const STATUS = 5;

/** A program that shows the files of a container that does not run, as plain data: performed like an `Exec`. */
export interface View {
  readonly argv: readonly string[];
  readonly launcher: Uint8Array;
  readonly listing: string;
  /** Directories that must be there (overlay upper and work). */
  readonly directories: readonly string[];
}

/**
 * Mounts a stopped container's root, volumes and binds in a mount namespace of its own, where nothing of the image runs:
 * /proc/PID/root shows them as the container would see them. It is ready when the status pipe is closed without a byte,
 * and ends with everything that it mounted at the end of its standard input, so with whoever holds the other end.
 */
export function buildView(config: LaunchConfig): View {
  const calls = viewProgram(config);
  return {
    argv: ['/bin/sh', '-c', 'exec /proc/self/fd/3'],
    launcher: assembleElf(config.kernel.arch, calls, STATUS),
    listing: listCalls(calls),
    directories: overlayDirectories(config.rootfs, config.paths),
  };
}

/** What a container's memory holds (tmpfs) is gone, and the kernel's file systems are not files: both are left out. */
export function viewProgram(config: LaunchConfig): readonly Call[] {
  const { spec, paths, kernel, identity, rootfs } = config;
  const program = new Program([0, 1, 2, 3, STATUS]);
  program.call('close_range', [STATUS + 1, LAST_DESCRIPTOR, 0], 'close everything beyond the status pipe');
  program.call('close', [4], 'close 4', { tolerate: [EBADF] });
  program.call('fcntl', [STATUS, F_SETFD, FD_CLOEXEC], 'close the status pipe on execution');
  program.close(3);
  resetSignals(program);
  program.call('setsid', [], 'begin a session', { tolerate: [EPERM] });
  program.call('unshare', [CLONE_NEWNS], 'make a mount namespace');
  const idBase = hostIdBase(spec, kernel, identity);
  const userNamespace = idBase === undefined ? undefined : makeUserNamespace(program, idBase);
  stopPropagation(program, MS_REC | MS_SLAVE);
  const policy = mountPolicy(spec, kernel, userNamespace?.file);
  const sorted = sortMounts(config.mounts);
  const mounts = sorted
    .filter(({ target, mount }) => mount.type !== 'tmpfs' && !isBelowKernelMounts(target))
    .map((each) => takeMount(program, each, policy));
  const covered = new Set(sorted.map(({ target }) => target));
  const etcFiles = takeEtcFiles(program, config, { covered, idmap: policy.idmap });
  if (userNamespace !== undefined) actAsContainerRoot(program, userNamespace, kernel);
  const overlays = mountOverlays(program, rootfs, { ...policy, paths });
  changeRoot(program, paths);
  attachOverlays(program, overlays);
  for (const mount of mounts) attachMount(program, mount, idBase ?? 0);
  const etcIsMount = mounts.some(({ target }) => target === '/etc');
  for (const file of etcFiles) attachEtcFile(program, file, etcIsMount);
  if (spec.readOnly) makeRootReadOnly(program, overlays);
  // The host's ids are seen in /proc/PID only of who is dumpable, which changing ids ends.
  program.call('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0], 'have a directory in /proc that root may look into');
  program.close(STATUS);
  program.call('read', [0, { scratch: true }, 1], 'wait until nobody needs this any more');
  program.call('exit_group', [0], 'end', { executes: true });
  return program.calls;
}
