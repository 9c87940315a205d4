import { TsstackError } from '../../model/error.ts';

export type Comparison =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ';

/** One condition on an argument; `valueTwo` is what a masked argument must equal, `value` then the mask. */
export interface Condition {
  readonly index: number;
  readonly value: bigint;
  readonly valueTwo: bigint;
  readonly op: Comparison;
}

/** System calls that share a verdict, in Docker's seccomp JSON format. */
export interface Rule {
  readonly names: readonly string[];
  /** What the kernel is told: SECCOMP_RET_… with its data. */
  readonly action: number;
  /** All must hold. */
  readonly args: readonly Condition[];
  readonly includes: Gate;
  readonly excludes: Gate;
}

/** When a rule is in the filter at all. */
export interface Gate {
  /** With `CAP_`. */
  readonly caps: readonly string[];
  /** Go's names: `amd64`, `arm64`. */
  readonly arches: readonly string[];
  readonly minKernel?: readonly [number, number];
}

export interface Profile {
  readonly defaultAction: number;
  readonly rules: readonly Rule[];
}

/** SECCOMP_RET_* of linux/seccomp.h. */
export const RET_ALLOW = 0x7fff0000;
export const RET_ERRNO = 0x00050000;

const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_ALLOW: RET_ALLOW,
  SCMP_ACT_ERRNO: RET_ERRNO,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
};

const COMPARISONS: ReadonlySet<string> = new Set<Comparison>([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]);

/** Reads the text of a profile. Throws `launch-failed` saying what is wrong with it. */
export function parseProfile(text: string): Profile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse(`it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  return toProfile(value);
}

/** The same from a value that was JSON. */
export function toProfile(value: unknown): Profile {
  const profile = record(value, 'the profile');
  return {
    defaultAction: action(profile['defaultAction'], profile['defaultErrnoRet']),
    rules: list(profile['syscalls'] ?? [], 'syscalls').map(toRule),
  };
}

function toRule(value: unknown): Rule {
  const rule = record(value, 'a rule');
  const names = rule['names'] ?? [rule['name']];
  return {
    names: strings(names, 'names'),
    action: action(rule['action'], rule['errnoRet']),
    args: list(rule['args'] ?? [], 'args').map(toCondition),
    includes: toGate(rule['includes']),
    excludes: toGate(rule['excludes']),
  };
}

function toCondition(value: unknown): Condition {
  const { index, op, value: first, valueTwo } = record(value, 'a condition');
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > 5) {
    throw refuse(`argument index ${JSON.stringify(index)} is not between 0 and 5`);
  }
  if (!isComparison(op)) throw refuse(`unknown comparison ${JSON.stringify(op)}`);
  return { index, op, value: word(first), valueTwo: word(valueTwo ?? 0) };
}

function isComparison(value: unknown): value is Comparison {
  return typeof value === 'string' && COMPARISONS.has(value);
}

function word(value: unknown): bigint {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw refuse(`${JSON.stringify(value)} is not a whole number`);
  }
  return BigInt.asUintN(64, BigInt(value));
}

function toGate(value: unknown): Gate {
  const gate = record(value ?? {}, 'includes and excludes');
  const minKernel = gate['minKernel'];
  return {
    caps: strings(gate['caps'] ?? [], 'caps'),
    arches: strings(gate['arches'] ?? [], 'arches'),
    ...(minKernel !== undefined && { minKernel: kernelVersion(minKernel) }),
  };
}

function kernelVersion(value: unknown): readonly [number, number] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(String(value)) ?? [];
  if (major === undefined) throw refuse(`${JSON.stringify(value)} is not a kernel version`);
  return [Number(major), Number(minor)];
}

/** `errno` is an errnoRet; absent: EPERM. */
function action(name: unknown, errno: unknown): number {
  const known = typeof name === 'string' && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (known === undefined) throw refuse(`action ${JSON.stringify(name)} is not supported`);
  if (name !== 'SCMP_ACT_ERRNO' && name !== 'SCMP_ACT_TRACE') return known;
  return (known | (typeof errno === 'number' ? errno & 0xffff : 1)) >>> 0;
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw refuse(`${what} is not an object`);
  return { ...value };
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(`${what} is not a list`);
  return value;
}

function strings(value: unknown, what: string): readonly string[] {
  return list(value, what).map((each) => {
    if (typeof each !== 'string') throw refuse(`${what} holds something that is not a string`);
    return each;
  });
}

function refuse(reason: string): TsstackError {
  return new TsstackError('launch-failed', `The seccomp profile cannot be used: ${reason}`, {
    hint: "Write it in Docker's seccomp format, or set security_opt to seccomp=unconfined.",
  });
}
