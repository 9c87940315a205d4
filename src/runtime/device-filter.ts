import type { DeviceRule } from '../model/device-rule.ts';

/** `struct bpf_insn`: code, registers (destination in the low half), offset, operand. */
type Instruction = readonly [code: number, registers: number, offset: number, operand: number];

/** Opcodes of extended BPF (kernel: bpf/standardization/instruction-set.rst). */
export const LOAD_32 = 0x61;
export const MOVE = 0xbf;
export const MOVE_CONSTANT = 0xb7;
export const AND_CONSTANT = 0x57;
export const SHIFT_RIGHT = 0x77;
export const JUMP_UNEQUAL = 0x55;
export const EXIT = 0x95;

/** linux/bpf.h, BPF_DEVCG_*. */
export const TYPES = { block: 1, char: 2 } as const;
export const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const EVERY_ACCESS = 7;

/** Registers: the result; the context, then scratch; what of `struct bpf_cgroup_dev_ctx` is looked at. */
const RESULT = 0;
const CONTEXT = 1;
const TYPE = 2;
const WANTED = 3;
const MAJOR = 4;
const MINOR = 5;

/**
 * A program of type BPF_PROG_TYPE_CGROUP_DEVICE that allows what cgroup v1 would with the same rules: an access is allowed
 * when one rule allows all of it (`match_exception()` in security/device_cgroup.c), a rule after another. It is asked with
 * `access << 16 | type`, major and minor number.
 */
export function deviceFilter(rules: readonly DeviceRule[]): Uint8Array {
  const program: Instruction[] = [
    [LOAD_32, registers(TYPE, CONTEXT), 0, 0],
    [MOVE, registers(WANTED, TYPE), 0, 0],
    [AND_CONSTANT, registers(TYPE), 0, 0xffff],
    [SHIFT_RIGHT, registers(WANTED), 0, 16],
    [LOAD_32, registers(MAJOR, CONTEXT), 4, 0],
    [LOAD_32, registers(MINOR, CONTEXT), 8, 0],
    ...rules.flatMap(ruleInstructions),
    [MOVE_CONSTANT, registers(RESULT), 0, 0],
    [EXIT, 0, 0, 0],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, register, offset, operand]] of program.entries()) {
    bytes.writeUInt8(code, index * 8);
    bytes.writeUInt8(register, index * 8 + 1);
    bytes.writeInt16LE(offset, index * 8 + 2);
    bytes.writeInt32LE(operand, index * 8 + 4);
  }
  return bytes;
}

/** What does not fit goes on with the next rule: jumps count from the next instruction. */
function ruleInstructions({ type, major, minor, permissions }: DeviceRule): readonly Instruction[] {
  const allowed = [...permissions].reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0);
  const tests: (readonly Instruction[])[] = [
    [[JUMP_UNEQUAL, registers(TYPE), 0, TYPES[type]]],
    ...(major === '*' ? [] : [[[JUMP_UNEQUAL, registers(MAJOR), 0, major] as const]]),
    ...(minor === '*' ? [] : [[[JUMP_UNEQUAL, registers(MINOR), 0, minor] as const]]),
  ];
  if (allowed !== EVERY_ACCESS) {
    tests.push([
      [MOVE, registers(CONTEXT, WANTED), 0, 0],
      [AND_CONSTANT, registers(CONTEXT), 0, EVERY_ACCESS & ~allowed],
      [JUMP_UNEQUAL, registers(CONTEXT), 0, 0],
    ]);
  }
  const body: readonly Instruction[] = [...tests.flat(), [MOVE_CONSTANT, registers(RESULT), 0, 1], [EXIT, 0, 0, 0]];
  return body.map(([code, register, offset, operand], index) =>
    code === JUMP_UNEQUAL ? [code, register, body.length - index - 1, operand] : [code, register, offset, operand],
  );
}

function registers(destination: number, source = 0): number {
  return destination | (source << 4);
}
