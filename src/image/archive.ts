import { closeSync, openSync } from 'node:fs';
import { posix } from 'node:path';
import { TsstackError } from '../model/error.ts';
import { imageInvalid } from './errors.ts';
import { type FileRange, type ImageFiles, readAt, regularFile } from './file-range.ts';
import { PAX_BYTES } from './limits.ts';
import { BLOCK, decodeHeader, padded } from './tar/header.ts';
import { type PaxRecords, parsePax, paxNumber, paxText } from './tar/pax.ts';

const MAX_MEMBERS = 10_000;
const MAX_LINKS = 8;

/** An archive's members: files where they lie, links by their target's name. */
type Member = FileRange | { readonly link: string };

/**
 * The files of an uncompressed tar archive, found by reading its headers only. Links are followed among the members
 * (docker save makes them for layers that two images share), never to anything else. Throws `image-invalid`.
 */
export function openArchive(path: string): ImageFiles {
  const file = regularFile(path);
  if (file === undefined) throw new TsstackError('image-missing', 'there is no such file');
  const members = readMembers(file);
  return { find: (name) => follow(members, name) };
}

function follow(members: ReadonlyMap<string, Member>, name: string): FileRange | undefined {
  let member = members.get(name);
  for (let links = 0; member !== undefined && 'link' in member; links += 1) {
    if (links === MAX_LINKS) return undefined;
    member = members.get(member.link);
  }
  return member;
}

function readMembers(file: FileRange): ReadonlyMap<string, Member> {
  const fd = openSync(file.path, 'r');
  try {
    return scan(fd, file);
  } finally {
    closeSync(fd);
  }
}

function scan(fd: number, file: FileRange): ReadonlyMap<string, Member> {
  const members = new Map<string, Member>();
  let pax: PaxRecords = new Map();
  let at = 0;
  for (let count = 0; at + BLOCK <= file.size; count += 1) {
    if (count > MAX_MEMBERS) throw imageInvalid(`the archive has more than ${MAX_MEMBERS} members`);
    const block = readAt(fd, at, BLOCK);
    if (at === 0) checkUncompressed(block);
    const header = decodeHeader(block);
    if (header === undefined) break;
    const start = at + BLOCK;
    const size = paxNumber(pax, 'size') ?? header.size;
    if (!Number.isSafeInteger(size) || start + size > file.size) throw imageInvalid('the archive is cut off');
    at = start + padded(size);
    if (header.type === 'x' || header.type === 'L' || header.type === 'K') {
      if (size > PAX_BYTES) throw imageInvalid(`an extended header of ${size} bytes; the limit is ${PAX_BYTES}`);
      const data = readAt(fd, start, size);
      pax = new Map([...pax, ...(header.type === 'x' ? parsePax(data) : longName(header.type, data))]);
      continue;
    }
    const name = clean(paxText(pax, 'path') ?? header.name);
    const link = paxText(pax, 'linkpath') ?? header.linkName;
    pax = new Map();
    if (header.type === '0') members.set(name, { path: file.path, start, size });
    if (header.type === '1') members.set(name, { link: clean(link) });
    if (header.type === '2') members.set(name, { link: clean(posix.join(posix.dirname(name), link)) });
  }
  return members;
}

/** Zeros at the very start would otherwise be an empty archive. */
function checkUncompressed(block: Buffer): void {
  const magic = block.toString('hex', 0, 4);
  if (magic.startsWith('1f8b') || magic === '28b52ffd' || magic === 'fd377a58') {
    throw imageInvalid('the archive is compressed twice; unpack it with gunzip, unzstd or unxz first');
  }
}

function clean(name: string): string {
  return posix.normalize(name).replace(/^\.\//, '');
}

function longName(type: string, data: Buffer): PaxRecords {
  const end = data.indexOf(0);
  return new Map([[type === 'L' ? 'path' : 'linkpath', end === -1 ? data : data.subarray(0, end)]]);
}
