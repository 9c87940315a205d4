import type { Host } from '../host/host.ts';
import type { HostOp } from '../host/op.ts';
import { TsstackError } from '../model/error.ts';
import type { Security } from '../model/limits.ts';
import type { ContainerPaths } from '../store/paths.ts';

type Wanted = Pick<Security, 'seccomp' | 'privileged'>;

/**
 * Text of the profile that `security_opt: seccomp=FILE` names; undefined for the default one and for none. Throws
 * `not-found`.
 */
export function seccompProfile(host: Pick<Host, 'readText'>, { seccomp, privileged }: Wanted): string | undefined {
  if (privileged || seccomp === 'default' || seccomp === 'unconfined') return undefined;
  const text = host.readText(seccomp);
  if (text !== undefined) return text;
  throw new TsstackError('not-found', `There is no seccomp profile ${seccomp}`, {
    hint: 'Correct seccomp=FILE in security_opt; FILE is looked for beside the stack file.',
  });
}

/** Keeps the profile that a container is started with: what is executed in it later has that one, whatever the file says. */
export function keepProfile(files: ContainerPaths, text: string | undefined): HostOp {
  const path = keptPath(files);
  return text === undefined ? { op: 'remove', path } : { op: 'write-file', path, data: text, mode: 0o600 };
}

/** The profile that a running container was started with. */
export function keptProfile(host: Pick<Host, 'readText'>, files: ContainerPaths, wanted: Wanted): string | undefined {
  if (wanted.privileged || wanted.seccomp === 'default' || wanted.seccomp === 'unconfined') return undefined;
  return host.readText(keptPath(files)) ?? seccompProfile(host, wanted);
}

function keptPath({ directory }: ContainerPaths): string {
  return `${directory}/seccomp.json`;
}
