import { createHash } from 'node:crypto';
import type { ContentStore } from '../../image/content/content-store.ts';
import { raw } from '../../image/layer/byte-fs.ts';
import { gzipped } from '../../image/layer/gzip.ts';
import { OCI_LAYER } from '../../image/manifest.ts';
import { encodeHeader, type PaxRecord } from '../../image/tar/encode-header.ts';
import { BLOCK, padded } from '../../image/tar/header.ts';
import { TsstackError } from '../../model/error.ts';
import { joinPath, parentPath, shownPath } from '../context/tree.ts';
import type { LayerEntry } from './layer-entry.ts';

const TYPES = {
  ...{ file: '0', link: '1', symlink: '2', char: '3', block: '4', directory: '5', fifo: '6' },
  // Empty files whose names say what they hide: OCI image-spec layer.md.
  ...{ whiteout: '0', opaque: '0' },
} as const;
const OPAQUE = '.wh..wh..opq';
const CHUNK = 1 << 16;
const SECOND = 1_000_000_000n;
/** Of the machine that built it; they mean nothing on another, and unpacking leaves them out. */
const LOCAL_XATTRS = new Set(['security.selinux', 'security.evm', 'security.ima', 'system.nfs4_acl']);

export interface LayerOptions {
  /** 0: not compressed; 1 to 9 as of gzip(1). */
  readonly gzipLevel: number;
  /** SOURCE_DATE_EPOCH, seconds: nothing is younger. Absent: times stay. */
  readonly sourceDateEpoch?: number;
  readonly signal: AbortSignal;
}

/** A layer in the store. */
export interface WrittenLayer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  /** Digest of the archive as it is uncompressed. */
  readonly diffId: string;
}

/**
 * Writes entries as a layer of the store. The same entries give the same digest: they are sorted, and nothing of the
 * machine or the moment goes in. Each path may come once. Throws `cancelled`, and `build-failed` for an entry that no
 * layer can hold or that has changed.
 */
export async function writeLayer(
  store: ContentStore,
  entries: readonly LayerEntry[],
  options: LayerOptions,
): Promise<WrittenLayer> {
  const diffHash = createHash('sha256');
  const tar = hashed(layerTar(entries, options), (chunk) => diffHash.update(chunk));
  const packed = options.gzipLevel === 0 ? tar : gzipped(tar, options.gzipLevel);
  const { digest, size } = await store.addUnknown(packed, options.signal);
  const mediaType = `${OCI_LAYER}${options.gzipLevel === 0 ? '' : '+gzip'}`;
  return { mediaType, digest, size, diffId: `sha256:${diffHash.digest('hex')}` };
}

/** The archive that `writeLayer()` stores. */
export async function* layerTar(
  entries: readonly LayerEntry[],
  { sourceDateEpoch }: Pick<LayerOptions, 'sourceDateEpoch'>,
): AsyncGenerator<Buffer> {
  const latestNs = sourceDateEpoch === undefined ? undefined : BigInt(sourceDateEpoch) * SECOND;
  const files = new Set<string>();
  let last: string | undefined;
  for (const [name, entry] of named(entries)) {
    if (name === last) throw refused(entry, 'it is there twice');
    last = name;
    if (entry.type === 'link' && !files.has(entry.linkName))
      throw refused(entry, 'its hard link leads to no file before it');
    if (entry.type !== 'directory') files.add(entry.path);
    yield headerOf(name, entry, latestNs);
    if (entry.type === 'file') yield* dataOf(entry);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** By the bytes of their names in the archive, so that a directory comes before what is in it. */
function named(entries: readonly LayerEntry[]): readonly (readonly [string, LayerEntry])[] {
  return entries
    .map((entry) => [archiveName(entry), entry] as const)
    .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

function archiveName(entry: LayerEntry): string {
  const { path, type } = entry;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (type === 'opaque') return joinPath(path, OPAQUE);
  if (name.startsWith('.wh.')) throw refused(entry, 'in a layer such a name hides another one');
  return type === 'whiteout' ? joinPath(parentPath(path), `.wh.${name}`) : path;
}

function headerOf(name: string, entry: LayerEntry, latestNs: bigint | undefined): Buffer {
  const isMark = entry.type === 'whiteout' || entry.type === 'opaque';
  const timeNs = isMark ? 0n : entry.mtimeNs;
  const mtimeNs = latestNs !== undefined && timeNs > latestNs ? latestNs : timeNs;
  const seconds = mtimeNs / SECOND - (mtimeNs % SECOND < 0n ? 1n : 0n);
  const fields = {
    ...entry,
    ...(isMark && { mode: 0, uid: 0, gid: 0 }),
    name: raw(entry.type === 'directory' ? `${name}/` : name),
    link: raw(entry.linkName),
    type: TYPES[entry.type],
    size: entry.type === 'file' ? entry.size : 0,
    mtime: Number(seconds),
  };
  return encodeHeader(fields, [...timeRecord(mtimeNs, seconds), ...xattrRecords(entry)]);
}

/** Whole seconds after 1970 are in the header itself. */
function timeRecord(mtimeNs: bigint, seconds: bigint): readonly PaxRecord[] {
  const fraction = mtimeNs - seconds * SECOND;
  if (fraction === 0n && seconds >= 0n) return [];
  const sign = mtimeNs < 0n ? '-' : '';
  const absolute = mtimeNs < 0n ? -mtimeNs : mtimeNs;
  const digits = String(absolute % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return [['mtime', Buffer.from(`${sign}${absolute / SECOND}${digits === '' ? '' : `.${digits}`}`)]];
}

/** A hard link has those of its file. */
function xattrRecords({ type, xattrs }: LayerEntry): readonly PaxRecord[] {
  if (type === 'link') return [];
  return [...xattrs]
    .filter(([name]) => !LOCAL_XATTRS.has(name))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => [`SCHILY.xattr.${name}`, value] as const);
}

async function* dataOf(entry: LayerEntry): AsyncGenerator<Buffer> {
  let written = 0;
  for await (const chunk of entry.data?.() ?? []) {
    written += chunk.length;
    if (written > entry.size) break;
    yield chunk;
  }
  if (written !== entry.size) throw refused(entry, 'its size changed while it was read');
  const padding = padded(entry.size) - entry.size;
  if (padding > 0) yield Buffer.alloc(padding);
}

async function* hashed(source: AsyncIterable<Buffer>, seen: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  // Headers are small, and a small write costs as much as a large one.
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    seen(chunk);
    waiting.push(chunk);
    length += chunk.length;
    if (length < CHUNK) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    length = 0;
  }
  yield Buffer.concat(waiting);
}

function refused({ path }: LayerEntry, reason: string): TsstackError {
  return new TsstackError('build-failed', `${shownPath(path)} cannot go into a layer: ${reason}`);
}
