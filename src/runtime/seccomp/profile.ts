import { TsstackError } from '../../model/error.ts';
import { parseExactly, Reader } from './reader.ts';
import {
  ACTIONS,
  ARCHITECTURE_NAMES,
  ARCHITECTURES,
  CAPABILITY_NAMES,
  COMPARISONS,
  type Comparison,
  FLAGS,
  isSystemCall,
  RET_ERRNO,
  RET_TRACE,
} from './words.ts';

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
  /** libseccomp's names: `amd64`, `arm64`. */
  readonly arches: readonly string[];
  readonly minKernel?: readonly [number, number];
}

export interface Profile {
  readonly defaultAction: number;
  /** SECCOMP_FILTER_FLAG_*, as bits. */
  readonly flags: number;
  readonly rules: readonly Rule[];
}

/**
 * Reads the text of a profile. Throws `launch-failed`, saying which value of which file is wrong: a key that is not known
 * may be one that asks for more protection.
 */
export function parseProfile(text: string, file: string): Profile {
  const fail = (why: string, cause: unknown, hint?: string) =>
    new TsstackError('launch-failed', `The seccomp profile ${file} cannot be used: ${why}`, {
      cause,
      ...(hint !== undefined && { hint }),
    });
  let value: unknown;
  try {
    value = parseExactly(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail(`it is not JSON: ${why}`, cause, 'Correct it, or set security_opt to seccomp=unconfined.');
  }
  try {
    return toProfile(value);
  } catch (cause) {
    if (!(cause instanceof TsstackError)) throw cause;
    throw fail(cause.message, cause, cause.hint);
  }
}

const PROFILE_KEYS = [
  'defaultAction',
  'defaultErrnoRet',
  'architectures',
  'archMap',
  'flags',
  'listenerPath',
  'listenerMetadata',
  'syscalls',
];
const RULE_KEYS = ['names', 'name', 'action', 'errnoRet', 'args', 'comment', 'includes', 'excludes'];

/** The same from a value that was JSON. Error messages lack the file. */
export function toProfile(value: unknown): Profile {
  const { at } = new Reader(value, '').object(PROFILE_KEYS);
  checkArchitectures(at('architectures'), at('archMap'));
  for (const key of ['listenerPath', 'listenerMetadata']) {
    if (at(key).absent || at(key).value === '') continue;
    throw at(key).refuse('no program that answers for system calls can be given a filter', `Take out ${key}.`);
  }
  const defaultAction = action(at('defaultAction'), at('defaultErrnoRet'));
  return {
    defaultAction,
    flags: flags(at('flags')),
    rules: at('syscalls')
      .list()
      .map((rule) => toRule(rule, defaultAction)),
  };
}

/**
 * A filter always is for the architecture of the machine; calls of its other ones (i386 and x32, 32-bit ARM) are refused
 * with ENOSYS whatever a profile says. So these only have to be right.
 */
function checkArchitectures(architectures: Reader, archMap: Reader): void {
  if (!architectures.absent && architectures.list().length > 0 && archMap.list().length > 0) {
    throw archMap.refuse('there are architectures already', 'Take out one of architectures and archMap.');
  }
  for (const each of architectures.list()) each.oneOf(ARCHITECTURES, 'architecture');
  for (const each of archMap.list()) {
    const { at } = each.object(['architecture', 'subArchitectures']);
    at('architecture').oneOf(ARCHITECTURES, 'architecture');
    for (const sub of at('subArchitectures').list()) sub.oneOf(ARCHITECTURES, 'architecture');
  }
}

function flags(list: Reader): number {
  return list.list().reduce((bits, each) => {
    if (each.value === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') {
      throw each.refuse('it is for filters with a listener, which are not done', 'Take it out.');
    }
    return bits | (FLAGS.get(each.oneOf(FLAGS.keys(), 'flag')) ?? 0);
  }, 0);
}

function toRule(value: Reader, defaultAction: number): Rule {
  const { at } = value.object(RULE_KEYS);
  if (at('names').absent === at('name').absent)
    throw value.refuse('it must have names', 'Write: "names": ["NAME", …].');
  const verdict = action(at('action'), at('errnoRet'));
  if (!at('comment').absent) at('comment').text();
  const names = at('name').absent ? at('names').list() : [at('name')];
  return {
    names: names.map((each) => callName(each, strictness(verdict) < strictness(defaultAction))),
    action: verdict,
    args: at('args').list().map(toCondition),
    includes: toGate(at('includes')),
    excludes: toGate(at('excludes')),
  };
}

/**
 * Names that no kernel of ours has are left out, as profiles for other kernels have them: what they would allow is
 * refused then. One that would have been refused must not be overlooked.
 */
function callName(name: Reader, refuses: boolean): string {
  const text = name.text();
  if (!refuses || isSystemCall(text)) return text;
  throw name.refuse(
    `there is no system call ${JSON.stringify(text)}, so that refusing it does nothing`,
    'Correct its name, or take it out.',
  );
}

function toCondition(value: Reader): Condition {
  const { at } = value.object(['index', 'value', 'valueTwo', 'op']);
  const largest = 0xffffffffffffffffn;
  const two = at('valueTwo');
  return {
    index: Number(at('index').whole(5n)),
    op: at('op').oneOf(COMPARISONS, 'comparison'),
    value: at('value').whole(largest),
    valueTwo: two.absent ? 0n : two.whole(largest),
  };
}

function toGate(value: Reader): Gate {
  if (value.absent) return { caps: [], arches: [] };
  const { at } = value.object(['caps', 'arches', 'minKernel']);
  const minKernel = at('minKernel');
  return {
    caps: at('caps')
      .list()
      .map((each) => each.oneOf(CAPABILITY_NAMES, 'capability')),
    arches: at('arches')
      .list()
      .map((each) => each.oneOf(ARCHITECTURE_NAMES, 'architecture')),
    ...(!minKernel.absent && { minKernel: kernelVersion(minKernel) }),
  };
}

function kernelVersion(value: Reader): readonly [number, number] {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(value.text()) ?? [];
  if (major === undefined)
    throw value.refuse(`${JSON.stringify(value.value)} is not a kernel version`, 'Write it as 5.10.');
  return [Number(major), Number(minor)];
}

/** errno(3): the kernel takes more for 4095. SECCOMP_RET_DATA is 16 bits. */
const LARGEST = new Map([
  [RET_ERRNO, 4095n],
  [RET_TRACE, 0xffffn],
]);

/** `errno` is an errnoRet; absent: EPERM. Other actions take none, and it means nothing there. */
function action(name: Reader, errno: Reader): number {
  if (name.value === 'SCMP_ACT_NOTIFY') {
    throw name.refuse(
      'SCMP_ACT_NOTIFY needs a program that answers, which no container can be given',
      'Write SCMP_ACT_ERRNO.',
    );
  }
  const known = ACTIONS.get(name.oneOf(ACTIONS.keys(), 'action')) ?? 0;
  const largest = LARGEST.get(known);
  if (largest === undefined) return known;
  return (known | (errno.absent ? 1 : Number(errno.whole(largest)))) >>> 0;
}

/** The kernel's order of actions (seccomp(2), "Seccomp-bpf return values"): the lower, the stricter. */
export function strictness(verdict: number): number {
  return (verdict & 0xffff0000) | 0;
}
