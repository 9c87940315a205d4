import { raw } from '../image/layer/byte-fs.ts';
import { encodeHeader as encode } from '../image/tar/encode-header.ts';
import type { Entry } from './entry.ts';

const TYPES = { file: '0', link: '1', symlink: '2', directory: '5' } as const;

/** The header of one entry, in pax for its time to the millisecond. */
export function encodeHeader(entry: Entry): Buffer {
  const name = raw(`${entry.path.join('/')}${entry.type === 'directory' ? '/' : ''}`);
  const { mode, uid, gid, size, mtime } = entry;
  const fields = { name, link: raw(entry.linkName), type: TYPES[entry.type], mode, uid, gid, size, mtime };
  return encode(fields, [['mtime', Buffer.from(mtime.toFixed(3))]]);
}
