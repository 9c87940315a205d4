import type { Host } from '../host/host.ts';
import type { ContainerSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';

/** Text of the profile that `security_opt: seccomp=FILE` names; undefined for the default one and for none. */
export function seccompProfile(host: Host, spec: ContainerSpec): string | undefined {
  const { seccomp } = spec.security;
  if (seccomp === 'default' || seccomp === 'unconfined') return undefined;
  const text = host.readText(seccomp);
  if (text === undefined) throw new TsstackError('not-found', `There is no seccomp profile ${seccomp}`);
  return text;
}
