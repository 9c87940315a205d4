import defaultProfile from '../../../schema/profiles/seccomp-default.json' with { type: 'json' };
import { stableHash } from '../../lib/stable-json.ts';
import { TsstackError } from '../../model/error.ts';
import type { Security } from '../../model/limits.ts';
import type { KernelFacts } from '../kernel-facts.ts';
import { compileFilter, type FilterTarget } from './compile.ts';
import { type Profile, parseProfile, toProfile } from './profile.ts';

/** What seccomp(2) is given. */
export interface Filter {
  /** `struct sock_filter`, one after the other. */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG_*. */
  readonly flags: number;
}

/** Filters by what they were compiled from, the one used last at the end: the containers of a stack mostly share one. */
const compiled = new Map<string, Filter>();
const CACHE_SIZE = 64;

export interface FilterConfig {
  readonly security: Pick<Security, 'seccomp' | 'privileged'>;
  readonly kernel: KernelFacts;
  /** Without `CAP_`. */
  readonly capabilities: readonly string[];
  /** Text of the profile that `seccomp` names, when it is a path. */
  readonly seccompProfile?: string | undefined;
}

/**
 * The container's seccomp filter; undefined for `unconfined` and privileged containers. Throws `launch-failed` for a
 * profile that cannot be used: a container never starts with less of a filter than was asked for.
 */
export function containerFilter(config: FilterConfig): Filter | undefined {
  const { security, kernel, capabilities } = config;
  if (!isFiltered(security)) return undefined;
  const source = profileText(config);
  const key = stableHash({ source, arch: kernel.arch, version: kernel.version, capabilities });
  const known = compiled.get(key);
  // Put in again, so that what is used goes last.
  compiled.delete(key);
  const filter = known ?? compile(config);
  if (filter !== undefined) compiled.set(key, filter);
  const [oldest] = compiled.keys();
  if (compiled.size > CACHE_SIZE && oldest !== undefined) compiled.delete(oldest);
  return filter;
}

/** The profile that a filter is made of; undefined and errors as `containerFilter()`. */
export function containerProfile(config: FilterConfig): Profile | undefined {
  if (!isFiltered(config.security)) return undefined;
  const source = profileText(config);
  return source === undefined ? toProfile(defaultProfile) : parseProfile(source, config.security.seccomp);
}

/** Which of a profile's rules apply. */
export function filterTarget({ kernel, capabilities }: FilterConfig): FilterTarget {
  const names = new Set(capabilities.map((name) => `CAP_${name}`));
  return { arch: kernel.arch, kernel: kernel.version, capabilities: names };
}

function isFiltered({ seccomp, privileged }: FilterConfig['security']): boolean {
  return !privileged && seccomp !== 'unconfined';
}

/** undefined: the default profile. */
function profileText({ security: { seccomp }, seccompProfile }: FilterConfig): string | undefined {
  if (seccomp === 'default') return undefined;
  if (seccompProfile !== undefined) return seccompProfile;
  throw new TsstackError('launch-failed', `The seccomp profile ${seccomp} could not be read`, {
    hint: 'Check the path in security_opt.',
  });
}

function compile(config: FilterConfig): Filter | undefined {
  const profile = containerProfile(config);
  if (profile === undefined) return undefined;
  return { program: compileFilter(profile, filterTarget(config)), flags: profile.flags };
}
