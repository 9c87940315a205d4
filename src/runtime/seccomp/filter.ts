import defaultProfile from '../../../schema/profiles/seccomp-default.json' with { type: 'json' };
import { stableHash } from '../../lib/stable-json.ts';
import type { ContainerSpec } from '../../model/container.ts';
import { TsstackError } from '../../model/error.ts';
import type { KernelFacts } from '../kernel-facts.ts';
import { compileFilter } from './compile.ts';
import { parseProfile, toProfile } from './profile.ts';

/** Filters by what they were compiled from: the containers of a stack mostly share one. */
const compiled = new Map<string, Uint8Array>();
const CACHE_SIZE = 64;

export interface FilterConfig {
  readonly spec: ContainerSpec;
  readonly kernel: KernelFacts;
  /** Without `CAP_`. */
  readonly capabilities: readonly string[];
  /** Text of the profile that `spec.security.seccomp` names, when it is a path. */
  readonly seccompProfile?: string | undefined;
}

/**
 * The container's seccomp filter; undefined for `unconfined` and privileged containers. Throws `launch-failed` for a
 * profile that cannot be used: a container never starts with less of a filter than was asked for.
 */
export function containerFilter({ spec, kernel, capabilities, seccompProfile }: FilterConfig): Uint8Array | undefined {
  const { seccomp, privileged } = spec.security;
  if (privileged || seccomp === 'unconfined') return undefined;
  if (seccomp !== 'default' && seccompProfile === undefined) {
    throw new TsstackError('launch-failed', `The seccomp profile ${seccomp} could not be read`, {
      hint: 'Check the path in security_opt.',
    });
  }
  const source = seccomp === 'default' ? undefined : seccompProfile;
  const key = stableHash({ source, arch: kernel.arch, version: kernel.version, capabilities });
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const filter = compileFilter(source === undefined ? toProfile(defaultProfile) : parseProfile(source), {
    arch: kernel.arch,
    kernel: kernel.version,
    capabilities: new Set(capabilities.map((name) => `CAP_${name}`)),
  });
  if (compiled.size >= CACHE_SIZE) compiled.clear();
  compiled.set(key, filter);
  return filter;
}
