import { raw } from '../image/layer/byte-fs.ts';
import { BLOCK, padded } from '../image/tar/header.ts';
import type { Entry } from './entry.ts';

const TYPES = { file: '0', link: '1', symlink: '2', directory: '5' } as const;
const NAME = 100;
const XATTR_PREFIX = 'SCHILY.xattr.';

/** POSIX.1-2001 pax: a ustar header, and before it an extended one for what does not fit. */
export function encodeHeader(entry: Entry): Buffer {
  const name = raw(`${entry.path.join('/')}${entry.type === 'directory' ? '/' : ''}`);
  const link = raw(entry.linkName);
  const records = [
    ...(name.length > NAME ? [record('path', name)] : []),
    ...(link.length > NAME ? [record('linkpath', link)] : []),
    ...(['uid', 'gid', 'size'] as const).flatMap((key) =>
      fits(entry[key], key === 'size' ? 11 : 7) ? [] : [record(key, Buffer.from(String(entry[key])))],
    ),
    record('mtime', Buffer.from(entry.mtime.toFixed(3))),
    ...[...entry.xattrs].map(([name, value]) => record(`${XATTR_PREFIX}${inKeyword(name)}`, value)),
  ];
  const extended = Buffer.concat(records);
  const first = { name: Buffer.from('PaxHeader'), link: Buffer.alloc(0), type: 'x', mode: 0o644 };
  return Buffer.concat([
    ustar({ ...first, uid: 0, gid: 0, size: extended.length, mtime: 0 }),
    extended,
    Buffer.alloc(padded(extended.length) - extended.length),
    ustar({ ...entry, name, link, type: TYPES[entry.type] }),
  ]);
}

interface Fields {
  readonly name: Buffer;
  readonly link: Buffer;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
}

function ustar({ name, link, type, mode, uid, gid, size, mtime }: Fields): Buffer {
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

/** A record's keyword ends at the first `=`; GNU tar (src/xattrs.c) writes one of a name like this. */
function inKeyword(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('=', '%3D');
}

/** What `inKeyword()` has made. */
export function fromKeyword(keyword: string): string {
  return keyword.replaceAll('%3D', '=').replaceAll('%25', '%');
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([raw(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
