import { TsstackError } from '../model/error.ts';
import type { Ulimit } from '../model/limits.ts';
import type { KernelFacts } from './kernel-facts.ts';

/** RLIMIT_* numbers (asm-generic/resource.h) by the names that ulimits have in stack files. */
const RESOURCES: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};

/** No core files on the host's disk; the soft limit that select(2) can count to, the hard one of systemd. */
const DEFAULTS: Readonly<Record<string, Ulimit>> = {
  core: { soft: 0, hard: 0 },
  nofile: { soft: 1024, hard: 524288 },
};

/** Number of CAP_SYS_RESOURCE. */
const SYS_RESOURCE = 24n;

export interface Rlimit {
  readonly name: string;
  readonly resource: number;
  /** -1: unlimited. */
  readonly soft: number;
  readonly hard: number;
}

/**
 * The limits to set. Without CAP_SYS_RESOURCE (of the machine itself) a hard limit cannot be raised: what is above ours is
 * clamped to ours, as starting with a little less is better than not at all; `lowered()` says so. Nobody can have more open
 * files than fs.nr_open. Throws `launch-failed` for an unknown name.
 */
export function containerRlimits(ulimits: Readonly<Record<string, Ulimit>>, kernel: KernelFacts): readonly Rlimit[] {
  const mayRaise = kernel.userNamespace !== true && ((BigInt(`0x${kernel.boundingSet}`) >> SYS_RESOURCE) & 1n) === 1n;
  return Object.entries({ ...DEFAULTS, ...ulimits }).map(([name, { soft, hard }]) => {
    const resource = Object.hasOwn(RESOURCES, name) ? RESOURCES[name] : undefined;
    if (resource === undefined) {
      throw new TsstackError('launch-failed', `There is no ulimit ${JSON.stringify(name)}`, {
        hint: `Known are ${Object.keys(RESOURCES).join(', ')}.`,
      });
    }
    const present = mayRaise ? -1 : (kernel.hardLimits[name] ?? -1);
    const allowed = lower(hard, name === 'nofile' ? lower(present, kernel.mostOpenFiles ?? -1) : present);
    return { name, resource, soft: lower(soft, allowed), hard: allowed };
  });
}

/** Which of the limits that were asked for are given less of, in words. */
export function lowered(ulimits: Readonly<Record<string, Ulimit>>, kernel: KernelFacts): readonly string[] {
  return containerRlimits(ulimits, kernel).flatMap(({ name, soft, hard }) => {
    const asked = Object.hasOwn(ulimits, name) ? ulimits[name] : undefined;
    if (asked === undefined || (asked.soft === soft && asked.hard === hard)) return [];
    const why = asked.hard === hard ? 'a soft limit is at most the hard one' : 'this machine does not let us give more';
    return [`ulimits.${name}: ${limitText(asked)} was asked for, ${limitText({ soft, hard })} is given: ${why}`];
  });
}

/** `1024:524288`, soft and hard. */
export function limitText({ soft, hard }: Ulimit): string {
  return [soft, hard].map((limit) => (limit === -1 ? 'unlimited' : String(limit))).join(':');
}

function lower(left: number, right: number): number {
  if (left === -1) return right;
  if (right === -1) return left;
  return Math.min(left, right);
}
