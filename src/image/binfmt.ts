import type { Host } from '../host/host.ts';
import { hostArchitecture, type Platform } from './platform.ts';

const DIRECTORY = '/proc/sys/fs/binfmt_misc';

/** Who runs programs of another architecture (Documentation/admin-guide/binfmt-misc.rst of Linux). */
export interface BinaryHandler {
  readonly name: string;
  /** Absolute path. */
  readonly interpreter: string;
  /** Flag F: the kernel holds the interpreter open; without it, it is looked for in the root of whoever executes. */
  readonly preloaded: boolean;
}

/** Class (1: 32, 2: 64 bits), data (1: little-endian, 2: big-endian) and machine of ELF headers (elf.h). */
const ELF: Readonly<Record<string, readonly [bits: number, data: number, machine: number]>> = {
  amd64: [2, 1, 62],
  arm64: [2, 1, 183],
  arm: [1, 1, 40],
  '386': [1, 1, 3],
  riscv64: [2, 1, 243],
  ppc64le: [2, 1, 21],
  s390x: [2, 2, 22],
  loong64: [2, 1, 258],
  mips64le: [2, 1, 8],
};
const EXECUTABLE = 2;
const SHARED_OBJECT = 3;

/** Older architectures that the processors run as they are. */
const COMPATIBLE: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] };

/** Whether this machine's processor runs programs of a platform; one that says nothing is taken to. */
export function runsNatively({ architecture }: Pick<Platform, 'architecture'>, host = hostArchitecture()): boolean {
  return architecture === '' || architecture === host || (COMPATIBLE[host] ?? []).includes(architecture);
}

/** The handler that the kernel has for programs of an architecture; undefined: there is none. */
export function binaryHandler(
  host: Pick<Host, 'readText' | 'readDirectory'>,
  { architecture }: Pick<Platform, 'architecture'>,
): BinaryHandler | undefined {
  const elf = Object.hasOwn(ELF, architecture) ? ELF[architecture] : undefined;
  if (elf === undefined || host.readText(`${DIRECTORY}/status`)?.trim() !== 'enabled') return undefined;
  for (const name of host.readDirectory(DIRECTORY)) {
    if (name === 'register' || name === 'status') continue;
    const fields = fieldsOf(host.readText(`${DIRECTORY}/${name}`) ?? '');
    const interpreter = fields.get('interpreter');
    if (!fields.has('enabled') || interpreter === undefined) continue;
    // Most programs are of the one kind, those of position-independent code of the other.
    const both = [EXECUTABLE, SHARED_OBJECT].every((type) => matches(fields, elfHeader(elf, type)));
    if (both) return { name, interpreter, preloaded: (fields.get('flags:') ?? '').includes('F') };
  }
  return undefined;
}

/** `enabled`, `interpreter PATH`, `flags: OCF`, `offset 0`, `magic HEX`, `mask HEX`, one a line. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').map((line) => {
      const [key = '', ...value] = line.split(' ');
      return [key, value.join(' ')] as const;
    }),
  );
}

function elfHeader([bits, data, machine]: readonly [number, number, number], type: number): Buffer {
  const header = Buffer.alloc(20);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits, data, 1]);
  if (data === 1) {
    header.writeUInt16LE(type, 16);
    header.writeUInt16LE(machine, 18);
  } else {
    header.writeUInt16BE(type, 16);
    header.writeUInt16BE(machine, 18);
  }
  return header;
}

function matches(fields: ReadonlyMap<string, string>, header: Buffer): boolean {
  const magic = Buffer.from(fields.get('magic') ?? '', 'hex');
  const mask = Buffer.from(fields.get('mask') ?? '', 'hex');
  const offset = Number(fields.get('offset') ?? 0);
  if (magic.length === 0 || offset + magic.length > header.length) return false;
  return magic.every((byte, index) => {
    const bits = mask[index] ?? 0xff;
    return ((header[offset + index] ?? 0) & bits) === (byte & bits);
  });
}
