import { TsstackError } from '../../model/error.ts';
import { type Architecture, syscallTable } from '../launcher/syscalls.ts';
import { type Condition, type Profile, type Rule, strictness } from './profile.ts';
import { RET_ALLOW, RET_ERRNO, RET_LOG, RET_TRACE } from './words.ts';

/** What decides which rules of a profile apply. */
export interface FilterTarget {
  readonly arch: Architecture;
  readonly kernel: readonly [number, number];
  /** With `CAP_`. */
  readonly capabilities: ReadonlySet<string>;
}

/** `struct sock_filter`: code, jump if true, jump if false, operand. Jumps count from the next instruction. */
type Instruction = readonly [number, number, number, number];

/** Opcodes of linux/bpf_common.h: 32-bit load from seccomp_data, jumps, and, return. */
export const LD = 0x20;
export const JA = 0x05;
export const JEQ = 0x15;
export const JGT = 0x25;
export const JGE = 0x35;
export const AND = 0x54;
export const RET = 0x06;

/** AUDIT_ARCH_* (linux/audit.h) and Go's names, as profiles have them. */
export const ARCHITECTURES = {
  x86_64: { audit: 0xc000003e, go: 'amd64' },
  aarch64: { audit: 0xc00000b7, go: 'arm64' },
} as const;

const ENOSYS = 38;
/** Offsets in seccomp_data. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const ARGUMENTS = 16;
/** System call numbers of the x32 ABI have this bit. */
const X32_BIT = 0x40000000;
/** linux/bpf_common.h: instructions of one filter. */
const BPF_MAXINSNS = 4096;

/** A verdict for one system call: always the same, or by its arguments. */
type Verdict = { readonly action: number } | { readonly rules: readonly Rule[] };

/**
 * Compiles a profile into a classic BPF program, an array of `struct sock_filter`.
 *
 * Order: the architecture (another one, and x32, gets ENOSYS); numbers beyond the profile get ENOSYS as in runc, so that
 * a C library falls back to what it had before; then a binary search over ranges of numbers with the same verdict.
 *
 * Rules count as with runc and libseccomp: one that says the same as the default says nothing; the first without
 * conditions counts for more than all with conditions. Where several with conditions hold, the strictest counts; libseccomp
 * goes by its own order of comparisons there. Throws `launch-failed` for more than the kernel takes.
 */
export function compileFilter(profile: Profile, target: FilterTarget): Uint8Array {
  const program: Instruction[] = [
    [LD, 0, 0, ARCHITECTURE],
    [JEQ, 1, 0, ARCHITECTURES[target.arch].audit],
    [RET, 0, 0, RET_ERRNO | ENOSYS],
    [LD, 0, 0, NUMBER],
  ];
  if (target.arch === 'x86_64') program.push([JGE, 0, 1, X32_BIT], [RET, 0, 0, RET_ERRNO | ENOSYS]);
  program.push(...searchTree(verdictRanges(profile, target), profile.defaultAction));
  if (program.length > BPF_MAXINSNS) {
    const why = `${program.length} instructions, and the kernel takes ${BPF_MAXINSNS}`;
    throw new TsstackError('launch-failed', `A seccomp profile is too long: ${why}`, {
      hint: 'Write fewer conditions: join those that a mask or a comparison can express together.',
    });
  }
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, whenTrue, whenFalse, operand]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand, index * 8 + 4);
  }
  return bytes;
}

interface Range {
  readonly first: number;
  readonly verdict: Verdict;
}

function verdictRanges(profile: Profile, target: FilterTarget): readonly Range[] {
  const numbers = syscallTable(target.arch);
  const always = new Map<number, number>();
  const byArguments = new Map<number, Rule[]>();
  const effective = ({ action }: Rule) => action !== profile.defaultAction;
  for (const rule of profile.rules.filter((each) => effective(each) && applies(each, target))) {
    for (const name of rule.names) {
      const number = numbers[name];
      if (number === undefined) continue;
      if (rule.args.length > 0) byArguments.set(number, [...(byArguments.get(number) ?? []), ...splitRule(rule)]);
      else if (!always.has(number)) always.set(number, rule.action);
    }
  }
  const newest = Math.max(-1, ...profile.rules.flatMap((rule) => rule.names.map((name) => numbers[name] ?? -1)));
  const ranges: Range[] = [];
  let previous: string | undefined;
  for (let number = 0; number <= newest; number += 1) {
    const rules = byArguments.get(number);
    const action = always.get(number) ?? (rules === undefined ? profile.defaultAction : undefined);
    const identity = action === undefined ? `rules of ${number}` : String(action);
    if (identity === previous) continue;
    previous = identity;
    ranges.push({ first: number, verdict: action === undefined ? { rules: strictestFirst(rules ?? []) } : { action } });
  }
  return [...ranges, { first: newest + 1, verdict: { action: actionBeyond(profile) } }];
}

/** runc libcontainer/seccomp/patchbpf: what lets calls pass lets unknown ones pass, too. */
function actionBeyond({ defaultAction }: Profile): number {
  const passes = [RET_ALLOW, RET_LOG, RET_TRACE].some((action) => strictness(action) === strictness(defaultAction));
  return passes ? defaultAction : RET_ERRNO | ENOSYS;
}

function strictestFirst(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted((one, other) => strictness(one.action) - strictness(other.action));
}

/** Whether a rule is in the filter of a target at all. */
export function applies({ includes, excludes }: Rule, { arch, kernel, capabilities }: FilterTarget): boolean {
  const goArch = ARCHITECTURES[arch].go;
  if (excludes.caps.some((name) => capabilities.has(name)) || excludes.arches.includes(goArch)) return false;
  if (!includes.caps.every((name) => capabilities.has(name))) return false;
  if (includes.arches.length > 0 && !includes.arches.includes(goArch)) return false;
  const [major, minor] = includes.minKernel ?? [0, 0];
  return kernel[0] > major || (kernel[0] === major && kernel[1] >= minor);
}

/** Several conditions on the same argument are alternatives, as in runc; on different ones they must all hold. */
export function splitRule(rule: Rule): readonly Rule[] {
  if (new Set(rule.args.map(({ index }) => index)).size === rule.args.length) return [rule];
  return rule.args.map((condition) => ({ ...rule, args: [condition] }));
}

function searchTree(ranges: readonly Range[], defaultAction: number): readonly Instruction[] {
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined) {
    return 'action' in only.verdict
      ? [[RET, 0, 0, only.verdict.action]]
      : argumentRules(only.verdict.rules, defaultAction);
  }
  const middle = Math.floor(ranges.length / 2);
  const left = searchTree(ranges.slice(0, middle), defaultAction);
  const right = searchTree(ranges.slice(middle), defaultAction);
  const pivot = ranges[middle]?.first ?? 0;
  // A conditional jump has 8 bits; JA has 32.
  return left.length > 255
    ? [[JGE, 0, 1, pivot], [JA, 0, 0, left.length], ...left, ...right]
    : [[JGE, left.length, 0, pivot], ...left, ...right];
}

/** Written from the end: each block's misses jump over what is already there of its own rule. */
function argumentRules(rules: readonly Rule[], defaultAction: number): readonly Instruction[] {
  let program: readonly Instruction[] = [[RET, 0, 0, defaultAction]];
  for (const rule of rules.toReversed()) {
    let body: readonly Instruction[] = [[RET, 0, 0, rule.action]];
    for (const condition of rule.args.toReversed()) body = [...test(condition, body.length), ...body];
    program = [...body, ...program];
  }
  return program;
}

/** Falls through when the condition holds and jumps over `rest` instructions when not. */
function test({ index, op, value, valueTwo }: Condition, rest: number): readonly Instruction[] {
  const low = ARGUMENTS + 8 * index;
  const high = low + 4;
  const [lowValue, highValue] = halves(value);
  // As libseccomp: of what is compared with, the mask takes bits, too.
  const [lowTwo, highTwo] = halves(valueTwo & value);
  switch (op) {
    case 'SCMP_CMP_EQ':
      return [
        [LD, 0, 0, high],
        [JEQ, 0, rest + 2, highValue],
        [LD, 0, 0, low],
        [JEQ, 0, rest, lowValue],
      ];
    case 'SCMP_CMP_NE':
      return [
        [LD, 0, 0, high],
        [JEQ, 0, 2, highValue],
        [LD, 0, 0, low],
        [JEQ, rest, 0, lowValue],
      ];
    case 'SCMP_CMP_MASKED_EQ':
      return [
        [LD, 0, 0, high],
        [AND, 0, 0, highValue],
        [JEQ, 0, rest + 3, highTwo],
        [LD, 0, 0, low],
        [AND, 0, 0, lowValue],
        [JEQ, 0, rest, lowTwo],
      ];
    case 'SCMP_CMP_GT':
    case 'SCMP_CMP_GE':
      return [
        [LD, 0, 0, high],
        [JGT, 3, 0, highValue],
        [JEQ, 0, rest + 2, highValue],
        [LD, 0, 0, low],
        [op === 'SCMP_CMP_GT' ? JGT : JGE, 0, rest, lowValue],
      ];
    case 'SCMP_CMP_LT':
    case 'SCMP_CMP_LE':
      return [
        [LD, 0, 0, high],
        [JGT, rest + 3, 0, highValue],
        [JEQ, 0, 2, highValue],
        [LD, 0, 0, low],
        [op === 'SCMP_CMP_LT' ? JGE : JGT, rest, 0, lowValue],
      ];
  }
}

function halves(value: bigint): readonly [number, number] {
  return [Number(value & 0xffffffffn), Number(value >> 32n)];
}
