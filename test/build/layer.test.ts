import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseChmod } from '../../src/build/context/chmod.ts';
import { planCopy } from '../../src/build/context/copy.ts';
import { PatternMatcher } from '../../src/build/context/ignore.ts';
import { DirectoryTree } from '../../src/build/context/scan.ts';
import { EMPTY_TREE } from '../../src/build/context/tree.ts';
import { copiedEntries } from '../../src/build/layer/copied-entries.ts';
import { type LayerEntry, PLAIN } from '../../src/build/layer/layer-entry.ts';
import { layerTar, writeLayer } from '../../src/build/layer/write-layer.ts';
import { ContentStore } from '../../src/image/content/content-store.ts';
import { type TarEntry, TarReader } from '../../src/image/tar/tar-reader.ts';
import { digestOf, withDirectory } from '../helpers/image-builder.ts';

const signal = new AbortController().signal;

function entry(path: string, type: LayerEntry['type'], rest: Partial<LayerEntry> = {}): LayerEntry {
  return { ...PLAIN, path, type, ...rest };
}

function file(path: string, text: string, rest: Partial<LayerEntry> = {}): LayerEntry {
  const content = Buffer.from(text);
  return entry(path, 'file', {
    mode: 0o644,
    size: content.length,
    data: async function* () {
      yield content;
    },
    ...rest,
  });
}

const LONG = `long/${'x'.repeat(120)}/${'ü'.repeat(60)}`;
const ENTRIES: readonly LayerEntry[] = [
  file('b', 'bee', { mode: 0o4755, uid: 7, gid: 4_000_000_000, mtimeNs: 1_700_000_000_123_456_789n }),
  entry('c', 'link', { linkName: 'b' }),
  entry('dir', 'directory', { mode: 0o1777, mtimeNs: 1_700_000_000_000_000_000n }),
  file('dir/a', '', {
    xattrs: new Map([
      ['user.z', Buffer.from('1')],
      ['security.capability', Buffer.from([0, 255, 10])],
      ['security.selinux', Buffer.from('x')],
    ]),
  }),
  entry('dir', 'opaque'),
  entry('dir/gone', 'whiteout'),
  entry('l', 'symlink', { linkName: '/somewhere', mode: 0o777 }),
  file(Buffer.from(LONG).toString('latin1'), 'long'),
  entry('null', 'char', { mode: 0o666, deviceMajor: 1, deviceMinor: 3 }),
  entry('pipe', 'fifo'),
  file('old', 'x', { mtimeNs: -1_500_000_000n }),
];

async function* once(data: Buffer): AsyncGenerator<Buffer> {
  yield data;
}

async function tar(entries: readonly LayerEntry[], sourceDateEpoch?: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of layerTar(entries, sourceDateEpoch === undefined ? {} : { sourceDateEpoch }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function read(archive: Buffer): Promise<readonly TarEntry[]> {
  const reader = new TarReader(once(archive));
  const found: TarEntry[] = [];
  for (let next = await reader.next(); next !== undefined; next = await reader.next()) found.push(next);
  return found;
}

test('a layer holds all that an entry has, and our own reader and tar(1) read it', async () => {
  const archive = await tar(ENTRIES);
  const entries = await read(archive);
  const names = [
    'b',
    'c',
    'dir/',
    'dir/.wh..wh..opq',
    'dir/.wh.gone',
    'dir/a',
    'l',
    Buffer.from(LONG).toString('latin1'),
    'null',
    'old',
    'pipe',
  ];
  assert.deepEqual(
    entries.map(({ name }) => name),
    names,
  );
  const [b, c, dir, opaque, , a, l, , device, old] = entries;
  assert.deepEqual([b?.mode, b?.uid, b?.gid, b?.mtime, b?.size], [0o4755, 7, 4_000_000_000, 1_700_000_000.1234567, 3]);
  assert.deepEqual([c?.type, c?.linkName, dir?.mode, opaque?.size], ['link', 'b', 0o1777, 0]);
  assert.deepEqual(
    [...(a?.xattrs ?? [])],
    [
      ['security.capability', Buffer.from([0, 255, 10])],
      ['user.z', Buffer.from('1')],
    ],
  );
  assert.deepEqual([l?.linkName, device?.deviceMajor, device?.deviceMinor, old?.mtime], ['/somewhere', 1, 3, -1.5]);
  const listed = execFileSync('tar', ['-tf', '-', '--quoting-style=literal'], { input: archive, encoding: 'utf8' });
  assert.deepEqual(
    listed.trim().split('\n'),
    names.map((name) => Buffer.from(name, 'latin1').toString()),
  );
});

test('the same entries in any order give the same bytes', async () => {
  const shuffled = [...ENTRIES.slice(5), ...ENTRIES.slice(0, 5).reverse()];
  assert.deepEqual(await tar(shuffled), await tar(ENTRIES));
});

test('SOURCE_DATE_EPOCH makes nothing older, and nothing is younger', async () => {
  const times = (await read(await tar(ENTRIES, 1_600_000_000))).map(({ mtime }) => mtime);
  assert.deepEqual([Math.max(...times), Math.min(...times)], [1_600_000_000, -1.5]);
});

test('writeLayer() stores a layer under its digest, packed or not, the same each time', () =>
  withDirectory(async (directory) => {
    const store = new ContentStore({ state: directory, run: directory });
    const plain = await writeLayer(store, ENTRIES, { gzipLevel: 0, signal });
    const packed = await writeLayer(store, ENTRIES, { gzipLevel: 6, signal });
    const archive = await tar(ENTRIES);
    assert.deepEqual(plain, {
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: digestOf(archive),
      size: archive.length,
      diffId: digestOf(archive),
    });
    assert.equal(packed.diffId, plain.diffId);
    assert.equal(packed.mediaType, 'application/vnd.oci.image.layer.v1.tar+gzip');
    const unpacked = execFileSync('gzip', ['-dc'], { input: readFileSync(store.blobPath(packed.digest)) });
    assert.equal(digestOf(unpacked), plain.diffId);
    assert.deepEqual(await writeLayer(store, ENTRIES, { gzipLevel: 6, signal }), packed);
    assert.deepEqual(readdirSync(`${directory}/images/ingest`), [], 'nothing unfinished is left');
    assert.equal(plain.digest, GOLDEN);
  }));

/** Of ENTRIES, so that a release that packs them otherwise is noticed: cached layers would be made anew. */
const GOLDEN = 'sha256:615eabb958cb6d596845ea058e3861fafd389faa5ec09b8adcfe9a8a3a378146';

test('a layer that breaks off leaves nothing', () =>
  withDirectory(async (directory) => {
    const store = new ContentStore({ state: directory, run: directory });
    const broken = file('x', 'abc', { size: 4 });
    await assert.rejects(
      writeLayer(store, [broken], { gzipLevel: 1, signal }),
      /"x" cannot go into a layer: its size changed/,
    );
    const cancelled = AbortSignal.abort();
    await assert.rejects(writeLayer(store, ENTRIES, { gzipLevel: 0, signal: cancelled }), /cancelled/);
    assert.deepEqual(readdirSync(`${directory}/images/ingest`), []);
    assert.deepEqual(store.digests(), []);
  }));

test('what a layer cannot say is refused', async () => {
  const wrong: readonly [readonly LayerEntry[], RegExp][] = [
    [[entry('a/.wh.b', 'fifo')], /such a name hides another one/],
    [[file('a', ''), file('a', '')], /it is there twice/],
    [[entry('a', 'link', { linkName: 'b' }), file('b', '')], /its hard link leads to no file before it/],
  ];
  for (const [entries, message] of wrong) await assert.rejects(tar(entries), message);
});

test('a COPY becomes a layer: times of the files, owner and mode as asked, hard links kept', () =>
  withDirectory(async (directory) => {
    mkdirSync(`${directory}/c/d`, { recursive: true });
    writeFileSync(`${directory}/c/d/a`, 'a', { mode: 0o640 });
    linkSync(`${directory}/c/d/a`, `${directory}/c/d/b`);
    symlinkSync('a', `${directory}/c/d/l`);
    utimesSync(`${directory}/c/d/a`, 5, 1_234_567);
    const tree = new DirectoryTree(`${directory}/c`, { asRoot: true });
    const none = new PatternMatcher([], '');
    const plan = {
      tree,
      sources: ['d'],
      destination: '/opt/x',
      image: EMPTY_TREE,
      excludes: none,
      parents: false,
      others: 0,
    };
    const { copied } = await planCopy(plan);
    const options = { owner: { uid: 3, gid: 4 }, chmod: parseChmod('u=rwX,go='), nowNs: 9_000_000_000n };
    const entries = await read(await tar(copiedEntries(copied(), tree, options)));
    const shown = entries.map(({ name, mode, uid, gid, mtime, linkName }) => [
      name,
      mode.toString(8),
      uid,
      gid,
      name.endsWith('a') || name === 'opt/' ? mtime : 0,
      linkName,
    ]);
    assert.deepEqual(shown, [
      ['opt/', '755', 3, 4, 9, ''],
      ['opt/x/', '755', 3, 4, 0, ''],
      ['opt/x/a', '600', 3, 4, 1_234_567, ''],
      ['opt/x/b', '600', 3, 4, 0, 'opt/x/a'],
      ['opt/x/l', '777', 3, 4, 0, 'a'],
    ]);
  }));
