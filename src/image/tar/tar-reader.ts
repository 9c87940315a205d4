import { imageInvalid } from '../errors.ts';
import { PAX_BYTES } from '../limits.ts';
import { ByteReader } from './byte-reader.ts';
import { BLOCK, decodeHeader, padded, type TarHeader } from './header.ts';
import { type PaxRecords, parsePax, paxNumber, paxText } from './pax.ts';
import { gnuSparse, paxSparse, type Segment } from './sparse.ts';

const TYPES = {
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
} as const;

type TarType = (typeof TYPES)[keyof typeof TYPES];

/** One entry with its extended headers applied. Names are byte strings (latin1). */
export interface TarEntry {
  readonly type: TarType;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds, with a fraction where the archive has one. */
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Size of a file, holes included. */
  readonly size: number;
  /** Where the data goes, in the order of the archive. */
  readonly segments: readonly Segment[];
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/**
 * A tar archive as a stream. Our own reader because names and attributes must survive as bytes, sizes and headers must
 * be bounded before they are read, and sparse files must stay sparse. Throws `image-invalid`.
 */
export class TarReader {
  readonly #bytes: ByteReader;
  /** Data of the present entry that was not read, and the padding behind it. */
  #left = 0;
  #padding = 0;
  #global: PaxRecords = new Map();

  constructor(source: AsyncIterable<Buffer>) {
    this.#bytes = new ByteReader(source);
  }

  /** The next entry, past the data of the last; undefined at the end, when the whole stream has been read. */
  async next(): Promise<TarEntry | undefined> {
    let local: PaxRecords = new Map();
    for (let extensions = 0; ; extensions += 1) {
      await this.#bytes.skip(this.#left + this.#padding);
      this.#left = 0;
      this.#padding = 0;
      const block = await this.#bytes.read(BLOCK);
      const header = block === undefined ? undefined : decodeHeader(block);
      if (block === undefined || header === undefined) {
        if (extensions > 0 && local.size > 0) throw imageInvalid('the archive ends after an extended header');
        await this.#bytes.drain();
        return undefined;
      }
      if (header.type === 'g') this.#global = merged(this.#global, parsePax(await this.#extension(header)));
      else if (header.type === 'x') local = merged(local, parsePax(await this.#extension(header)));
      else if (header.type === 'L') local = merged(local, longName('path', await this.#extension(header)));
      else if (header.type === 'K') local = merged(local, longName('linkpath', await this.#extension(header)));
      else return this.#entry(block, header, merged(this.#global, local));
    }
  }

  /** A piece of the present entry's data; undefined when it has all been read. */
  async data(limit: number): Promise<Buffer | undefined> {
    if (this.#left === 0) return undefined;
    const piece = await this.#bytes.some(Math.min(limit, this.#left));
    this.#left -= piece.length;
    return piece;
  }

  async close(): Promise<void> {
    await this.#bytes.close();
  }

  async #extension(header: TarHeader): Promise<Buffer> {
    if (header.size > PAX_BYTES) {
      throw imageInvalid(`an extended header of ${header.size} bytes; the limit is ${PAX_BYTES}`);
    }
    const data = await this.#bytes.read(padded(header.size));
    if (data === undefined && header.size > 0) throw imageInvalid('the archive ends within an extended header');
    return data?.subarray(0, header.size) ?? Buffer.alloc(0);
  }

  async #entry(block: Buffer, header: TarHeader, pax: PaxRecords): Promise<TarEntry> {
    const type = entryType(header);
    const stored = paxNumber(pax, 'size') ?? header.size;
    if (!Number.isSafeInteger(stored) || stored < 0) throw imageInvalid(`an entry has a size of ${stored} bytes`);
    const size = type === 'file' ? stored : 0;
    this.#padding = padded(size) - size;
    this.#left = size;
    const sparse = await this.#sparse(block, header.type, pax);
    return {
      type,
      name: paxText(pax, 'GNU.sparse.name') ?? paxText(pax, 'path') ?? header.name,
      linkName: paxText(pax, 'linkpath') ?? header.linkName,
      mode: header.mode,
      uid: paxNumber(pax, 'uid') ?? header.uid,
      gid: paxNumber(pax, 'gid') ?? header.gid,
      mtime: paxNumber(pax, 'mtime') ?? header.mtime,
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      size: sparse?.realSize ?? size,
      segments: sparse?.segments ?? [{ offset: 0, length: size }],
      xattrs: xattrsOf(pax),
    };
  }

  async #sparse(block: Buffer, type: string, pax: PaxRecords) {
    const sparse =
      type === 'S' ? await gnuSparse(this.#bytes, block, this.#left) : await paxSparse(this.#bytes, pax, this.#left);
    this.#left -= sparse?.consumed ?? 0;
    return sparse;
  }
}

/** Before there was a type for directories, a file with a slash at its end was one. */
function entryType(header: TarHeader): TarType {
  if (header.type === '0' && header.name.endsWith('/')) return 'directory';
  const type = Object.hasOwn(TYPES, header.type) ? TYPES[header.type as keyof typeof TYPES] : undefined;
  if (type === undefined) throw imageInvalid(`an entry of the unknown type ${JSON.stringify(header.type)}`);
  return type;
}

function merged(below: PaxRecords, above: PaxRecords): PaxRecords {
  return above.size === 0 ? below : new Map([...below, ...above]);
}

function longName(key: string, data: Buffer): PaxRecords {
  const end = data.indexOf(0);
  return new Map([[key, end === -1 ? data : data.subarray(0, end)]]);
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  const prefix = 'SCHILY.xattr.';
  const found = [...pax].filter(([key]) => key.startsWith(prefix));
  return new Map(found.map(([key, value]) => [key.slice(prefix.length), value]));
}
