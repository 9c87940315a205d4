import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeEmptyDirectory, rewriteFile, writeWholeFile } from './files.ts';
import type { HostOp } from './op.ts';

/** TMPFS_MAGIC of statfs(2). */
const TMPFS = 0x01021994;
/** `noswap` is Linux 6.4's; mount(2) refuses it before. */
export const SECRET_MOUNT_OPTIONS = ['mode=700,nosuid,nodev,noexec,noswap', 'mode=700,nosuid,nodev,noexec'] as const;

/**
 * Writes a secret below a tmpfs of our own. Nothing in here waits for the event loop: two that are written at the same
 * time do not both mount one, and none is removed under a third.
 */
export function writeSecret({ root, path, data, mode, owner, inPlace }: Extract<HostOp, { op: 'write-secret' }>): void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  if (!isMountPoint(root)) mountTmpfs(root);
  if (statfsSync(root).type !== TMPFS) throw new Error(`Cannot keep secrets in ${root}: it is no tmpfs`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  (inPlace === true ? rewriteFile : writeWholeFile)(path, data, mode, owner);
}

export function removeSecrets({ root, directory }: Extract<HostOp, { op: 'remove-secrets' }>): void {
  rmSync(directory, { recursive: true, force: true });
  if (statSync(root, { throwIfNoEntry: false }) === undefined) return;
  if (isMountPoint(root)) {
    if (readdirSync(root).length > 0) return;
    // Lazily: somebody's shell may stand in it, and nothing is in there any more.
    const { status, stderr } = spawnSync('umount', ['-l', root], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`Cannot unmount ${root}: ${stderr.trim()}`);
  }
  removeEmptyDirectory(root, { tree: false, tolerateNonEmpty: true });
}

function isMountPoint(path: string): boolean {
  return statSync(path).dev !== statSync(dirname(path)).dev;
}

function mountTmpfs(root: string): void {
  let said = '';
  for (const options of SECRET_MOUNT_OPTIONS) {
    const argv = ['-t', 'tmpfs', '-o', options, 'tsstack-secrets', root];
    const { status, stderr } = spawnSync('mount', argv, { encoding: 'utf8' });
    if (status === 0) return;
    said = stderr.trim();
  }
  rmdirSync(root);
  throw new Error(`Cannot mount a tmpfs for secrets on ${root}: ${said}`);
}
