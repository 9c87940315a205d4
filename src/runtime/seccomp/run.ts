import { AND, JA, JEQ, JGE, JGT, LD, RET } from './compile.ts';

/** seccomp_data, as the kernel shows a system call to a filter. */
export interface SystemCall {
  readonly number: number;
  readonly audit: number;
  readonly args: readonly bigint[];
}

/** Runs a classic BPF filter; gives what it returns. Throws on what the kernel would refuse. */
export function runFilter(filter: Uint8Array, { number, audit, args }: SystemCall): number {
  const program = Buffer.from(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  for (const [index, arg] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, arg), 16 + 8 * index);
  let accumulator = 0;
  let at = 0;
  for (;;) {
    const code = program.readUInt16LE(at * 8);
    const whenTrue = program.readUInt8(at * 8 + 2);
    const whenFalse = program.readUInt8(at * 8 + 3);
    const operand = program.readUInt32LE(at * 8 + 4);
    at += 1;
    if (code === RET) return operand;
    if (code === LD) accumulator = data.readUInt32LE(operand);
    else if (code === AND) accumulator = (accumulator & operand) >>> 0;
    else if (code === JA) at += operand;
    else if (code === JEQ) at += accumulator === operand ? whenTrue : whenFalse;
    else if (code === JGT) at += accumulator > operand ? whenTrue : whenFalse;
    else if (code === JGE) at += accumulator >= operand ? whenTrue : whenFalse;
    else throw new Error(`unknown instruction ${code}`);
  }
}
