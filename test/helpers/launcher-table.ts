import { loopCode } from '../../src/runtime/launcher/machine.ts';
import type { Architecture } from '../../src/runtime/launcher/syscalls.ts';

/** As `assembleElf()` lays a launcher out. */
const BASE = 0x400000;
const HEADERS = 64 + 3 * 56;
const ENTRY = 64;
const FLAG_WORDS = 4;

/**
 * The table of a launcher as its machine code reads it, a call a line: its number, its arguments (what lies in the file is
 * shown as text, as a list of texts, or else in hexadecimal digits), and what is tolerated: `259 -100, "/dir/pipe", 4480 ~17`.
 */
export function decodeTable(arch: Architecture, elf: Uint8Array, count: number): readonly string[] {
  const bytes = Buffer.from(elf);
  const code = loopCode(arch, { table: BASE, reportDescriptor: 3 }).length;
  const table = Math.ceil((HEADERS + code) / 8) * 8;
  return Array.from({ length: count }, (_, index) => decodeEntry(bytes, table + index * ENTRY));
}

function decodeEntry(elf: Buffer, at: number): string {
  const args = Array.from({ length: 6 }, (_, index) => decodeArgument(elf, elf.readBigInt64LE(at + 16 + 8 * index)));
  while (args.at(-1) === '0') args.pop();
  const tolerated = [...elf.subarray(at + FLAG_WORDS, at + FLAG_WORDS + 3)].filter((errno) => errno !== 0);
  return `${elf.readUInt32LE(at)} ${args.join(', ')}${tolerated.map((errno) => ` ~${errno}`).join('')}`;
}

function decodeArgument(elf: Buffer, value: bigint): string {
  const offset = offsetOf(elf, value);
  if (offset === undefined) return String(value);
  const texts: string[] = [];
  for (let at = offset; ; at += 8) {
    const pointed = offsetOf(elf, elf.readBigInt64LE(at));
    if (pointed === undefined) break;
    texts.push(textAt(elf, pointed) ?? '?');
  }
  if (texts.length > 0) return `[${texts.join(', ')}]`;
  return textAt(elf, offset) ?? `0x${elf.toString('hex', offset, offset + 8)}`;
}

/** undefined: it is no address in the file. */
function offsetOf(elf: Buffer, value: bigint): number | undefined {
  const offset = Number(value) - BASE;
  return offset < HEADERS || offset >= elf.length ? undefined : offset;
}

function textAt(elf: Buffer, offset: number): string | undefined {
  const text = elf.toString('latin1', offset, elf.indexOf(0, offset));
  return /^[\x20-\x7e]+$/.test(text) ? JSON.stringify(text) : undefined;
}
