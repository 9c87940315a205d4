import { BLOCK, padded } from './header.ts';

const NAME = 100;

/** One entry of an archive that is written. */
export interface HeaderFields {
  readonly name: Buffer;
  readonly link: Buffer;
  /** As its character: `0` file, `1` hard link, `5` directory, … */
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow. */
  readonly size: number;
  /** Seconds; a fraction is left out, a record `mtime` has it. */
  readonly mtime: number;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
}

/** A record of an extended header, with what does not fit the others. */
export type PaxRecord = readonly [key: string, value: Buffer];

/** POSIX.1-2001 pax: a ustar header, and before it an extended one for `records` and for what does not fit. */
export function encodeHeader(fields: HeaderFields, records: readonly PaxRecord[] = []): Buffer {
  const { name, link } = fields;
  const numbers = (['uid', 'gid', 'size'] as const).flatMap((key): readonly PaxRecord[] =>
    fits(fields[key], key === 'size' ? 11 : 7) ? [] : [[key, Buffer.from(String(fields[key]))]],
  );
  const all: readonly PaxRecord[] = [
    ...(name.length > NAME ? [['path', name] as const] : []),
    ...(link.length > NAME ? [['linkpath', link] as const] : []),
    ...numbers,
    ...records,
  ];
  if (all.length === 0) return ustar(fields);
  const extended = Buffer.concat(all.map(encodeRecord));
  const empty = { uid: 0, gid: 0, mtime: 0, link: Buffer.alloc(0) };
  return Buffer.concat([
    ustar({ ...empty, name: Buffer.from('PaxHeader'), type: 'x', mode: 0o644, size: extended.length }),
    extended,
    Buffer.alloc(padded(extended.length) - extended.length),
    ustar(fields),
  ]);
}

function ustar(fields: HeaderFields): Buffer {
  const { name, link, type, mode, uid, gid, size, mtime, deviceMajor = 0, deviceMinor = 0 } = fields;
  const block = Buffer.alloc(BLOCK);
  name.copy(block, 0, 0, NAME);
  link.copy(block, 157, 0, NAME);
  block.write(octal(mode, 7), 100, 'latin1');
  block.write(octal(uid, 7), 108, 'latin1');
  block.write(octal(gid, 7), 116, 'latin1');
  block.write(octal(size, 11), 124, 'latin1');
  block.write(octal(Math.floor(mtime), 11), 136, 'latin1');
  block.write(`        ${type}`, 148, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  if (type === '3' || type === '4') {
    block.write(octal(deviceMajor, 7), 329, 'latin1');
    block.write(octal(deviceMinor, 7), 337, 'latin1');
  }
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

/** Zero for what is in the extended header. */
function octal(value: number, digits: number): string {
  return (fits(value, digits) ? value : 0).toString(8).padStart(digits, '0');
}

function fits(value: number, digits: number): boolean {
  return value >= 0 && value < 8 ** digits;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function encodeRecord([key, value]: PaxRecord): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
