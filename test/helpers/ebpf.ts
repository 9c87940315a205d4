import {
  AND_CONSTANT,
  EXIT,
  JUMP_UNEQUAL,
  LOAD_32,
  MOVE,
  MOVE_CONSTANT,
  SHIFT_RIGHT,
} from '../../src/runtime/device-filter.ts';

/** Runs an extended BPF program over a context; gives register 0. Throws on what the kernel's verifier would refuse. */
export function runProgram(program: Uint8Array, context: Uint8Array): bigint {
  const code = Buffer.from(program);
  const data = Buffer.from(context);
  const CONTEXT = Symbol('context');
  const registers: (bigint | typeof CONTEXT | undefined)[] = [undefined, CONTEXT];
  const value = (register: number): bigint => {
    const found = registers[register];
    if (typeof found !== 'bigint') throw new Error(`register ${register} holds no number`);
    return found;
  };
  for (let at = 0; ; at += 1) {
    if (at < 0 || at >= code.length / 8) throw new Error(`a jump leads out of the program, to ${at}`);
    const opcode = code.readUInt8(at * 8);
    const [to, from] = [code.readUInt8(at * 8 + 1) & 15, code.readUInt8(at * 8 + 1) >> 4];
    const offset = code.readInt16LE(at * 8 + 4 - 2);
    const operand = BigInt(code.readInt32LE(at * 8 + 4));
    if (opcode === EXIT) return value(0);
    if (opcode === LOAD_32) {
      if (registers[from] !== CONTEXT) throw new Error(`register ${from} is not the context`);
      registers[to] = BigInt(data.readUInt32LE(offset));
    } else if (opcode === MOVE) registers[to] = value(from);
    else if (opcode === MOVE_CONSTANT) registers[to] = operand;
    else if (opcode === AND_CONSTANT) registers[to] = value(to) & BigInt.asUintN(64, operand);
    else if (opcode === SHIFT_RIGHT) registers[to] = value(to) >> operand;
    else if (opcode === JUMP_UNEQUAL) at += value(to) === operand ? 0 : offset;
    else throw new Error(`unknown instruction ${opcode}`);
  }
}
