import { raw } from '../image/layer/byte-fs.ts';
import { encodeHeader as encode } from '../image/tar/encode-header.ts';
import type { Entry } from './entry.ts';

const TYPES = { file: '0', link: '1', symlink: '2', directory: '5' } as const;
const XATTR_PREFIX = 'SCHILY.xattr.';

/** The header of one entry, in pax for its time to the millisecond and its extended attributes. */
export function encodeHeader(entry: Entry): Buffer {
  const name = raw(`${entry.path.join('/')}${entry.type === 'directory' ? '/' : ''}`);
  const { mode, uid, gid, size, mtime } = entry;
  const fields = { name, link: raw(entry.linkName), type: TYPES[entry.type], mode, uid, gid, size, mtime };
  const attributes = [...entry.xattrs].map(([key, value]) => [`${XATTR_PREFIX}${inKeyword(key)}`, value] as const);
  return encode(fields, [['mtime', Buffer.from(mtime.toFixed(3))], ...attributes]);
}

/** A record's keyword ends at the first `=`; GNU tar (src/xattrs.c) writes one of a name like this. */
function inKeyword(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('=', '%3D');
}

/** What `inKeyword()` has made. */
export function fromKeyword(keyword: string): string {
  return keyword.replaceAll('%3D', '=').replaceAll('%25', '%');
}
