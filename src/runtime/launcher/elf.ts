import { TsstackError } from '../../model/error.ts';
import { loopCode } from './machine.ts';
import type { Argument, Call, Datum, Structure } from './program.ts';
import { type Architecture, syscallNumber } from './syscalls.ts';

/** Exit status when a system call fails, as Docker's. */
export const STATUS_FAILED = 125;
/** Exit status when the program is there and cannot be executed. */
export const STATUS_NOT_EXECUTABLE = 126;
/** Exit status when there is no such program. */
export const STATUS_NOT_FOUND = 127;

/** Where the file is mapped: the usual place of a static executable. */
const BASE = 0x400000;
/** A writable page, far from everything. */
const SCRATCH = 0x10000000;
/** ELF header and three program headers. */
const HEADERS_SIZE = 64 + 3 * 56;
const ENTRY_SIZE = 64;
/** Largest page size of any supported kernel (aarch64 with 64 KiB pages). */
const SEGMENT_ALIGNMENT = 0x10000;

/**
 * The calls as a static executable: machine code, table, data; read-only but for one page. The last call must execute
 * a program and tolerate nothing, so that the loop never runs off the table.
 */
export function assembleElf(arch: Architecture, calls: readonly Call[], reportDescriptor: number): Uint8Array {
  const last = calls.at(-1);
  if (last === undefined || !last.executes || last.tolerate.length > 0) {
    throw new Error('a launcher must end with a call that executes a program or fails');
  }
  const codeSize = loopCode(arch, { table: BASE, reportDescriptor }).length;
  const tableOffset = align8(HEADERS_SIZE + codeSize);
  const data = new DataSection(BASE + tableOffset + calls.length * ENTRY_SIZE);
  const table = Buffer.concat(calls.map((call) => tableEntry(arch, call, data)));
  const code = loopCode(arch, { table: BASE + tableOffset, reportDescriptor });
  const body = Buffer.concat([code, Buffer.alloc(tableOffset - HEADERS_SIZE - codeSize), table, data.bytes()]);
  return Buffer.concat([headers(arch, HEADERS_SIZE + body.length), body]);
}

const FORKS = { no: 0, wait: 1, init: 2, adopt: 3 } as const;

/**
 * 64 bytes: u32 number; u8[3] tolerated errnos (0: none); u8 skip; u8 exit status; u8 exit status on ENOENT; u8 fork;
 * u8 skip in the parent; 4 bytes unused; u64[6] arguments.
 */
function tableEntry(arch: Architecture, call: Call, data: DataSection): Buffer {
  const entry = Buffer.alloc(ENTRY_SIZE);
  entry.writeUInt32LE(syscallNumber(arch, call.name), 0);
  for (const [index, errno] of call.tolerate.entries()) entry.writeUInt8(errno, 4 + index);
  entry.writeUInt8(call.skip, 7);
  entry.writeUInt8(call.executes ? STATUS_NOT_EXECUTABLE : STATUS_FAILED, 8);
  entry.writeUInt8(call.executes ? STATUS_NOT_FOUND : STATUS_FAILED, 9);
  entry.writeUInt8(FORKS[call.fork], 10);
  entry.writeUInt8(call.parentSkips, 11);
  for (const [index, argument] of call.args.entries()) {
    entry.writeBigUInt64LE(BigInt.asUintN(64, argumentValue(argument, data)), 16 + 8 * index);
  }
  return entry;
}

function argumentValue(argument: Argument, data: DataSection): bigint {
  if (typeof argument === 'bigint') return argument;
  if (typeof argument === 'number') return BigInt(argument);
  if (typeof argument === 'object' && 'scratch' in argument) return BigInt(SCRATCH);
  return BigInt(data.place(argument));
}

/** Strings and structures behind the table. Equal strings are stored once. */
class DataSection {
  readonly #base: number;
  readonly #chunks: Buffer[] = [];
  readonly #strings = new Map<string, number>();
  #size = 0;

  constructor(base: number) {
    this.#base = base;
  }

  /** Address of the datum. */
  place(datum: Datum): number {
    if (typeof datum === 'string') return this.#placeString(datum);
    if (datum instanceof Uint8Array) return this.#append(Buffer.from(datum));
    return this.#placeStructure(datum);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  #placeString(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0')) {
      throw new TsstackError('launch-failed', `A NUL byte cannot be part of ${JSON.stringify(text)}`, {
        hint: 'Remove it from the stack file.',
      });
    }
    const address = this.#append(Buffer.from(`${text}\0`));
    this.#strings.set(text, address);
    return address;
  }

  #placeStructure({ pieces }: Structure): number {
    return this.#append(
      Buffer.concat(
        pieces.map((piece) => {
          if (piece instanceof Uint8Array) return piece;
          const pointer = Buffer.alloc(8);
          pointer.writeBigUInt64LE(argumentValue(piece.pointer, this));
          return pointer;
        }),
      ),
    );
  }

  #append(bytes: Buffer): number {
    const address = this.#base + this.#size;
    const padded = Buffer.concat([bytes, Buffer.alloc(align8(bytes.length) - bytes.length)]);
    this.#chunks.push(padded);
    this.#size += padded.length;
    return address;
  }
}

function align8(size: number): number {
  return Math.ceil(size / 8) * 8;
}

const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

function headers(arch: Architecture, fileSize: number): Buffer {
  const header = Buffer.alloc(64);
  // ELF64, little endian, version 1, System V
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(arch === 'x86_64' ? 62 : 183, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(BASE + HEADERS_SIZE), 24); // entry point
  header.writeBigUInt64LE(64n, 32); // program headers' offset
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(3, 56);
  return Buffer.concat([
    header,
    programHeader({ type: PT_LOAD, flags: PF_R | PF_X, address: BASE, fileSize, memorySize: fileSize }),
    // Kernels before 6.8 want a segment to have something in the file: a private copy of the header.
    programHeader({ type: PT_LOAD, flags: PF_R | PF_W, address: SCRATCH, fileSize: 64, memorySize: 4096 }),
    // Without this the stack, and on x86 every page that can be read, would be executable.
    programHeader({ type: PT_GNU_STACK, flags: PF_R | PF_W, address: 0, fileSize: 0, memorySize: 0 }),
  ]);
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

function programHeader({ type, flags, address, fileSize, memorySize }: Segment): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(flags, 4);
  header.writeBigUInt64LE(0n, 8);
  header.writeBigUInt64LE(BigInt(address), 16);
  header.writeBigUInt64LE(BigInt(address), 24);
  header.writeBigUInt64LE(BigInt(fileSize), 32);
  header.writeBigUInt64LE(BigInt(memorySize), 40);
  header.writeBigUInt64LE(BigInt(type === PT_LOAD ? SEGMENT_ALIGNMENT : 16), 48);
  return header;
}
