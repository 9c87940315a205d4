import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ContentStore } from '../../../src/image/content/content-store.ts';

const signal = new AbortController().signal;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

let state = '';
let store = new ContentStore({ state: '/', run: '/' });
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'tsstack-content-'));
  store = open();
});
afterEach(() => rmSync(state, { recursive: true }));

function open(): ContentStore {
  return new ContentStore({ state, run: join(state, 'run') });
}

function expected(content: Buffer) {
  return { digest: `sha256:${createHash('sha256').update(content).digest('hex')}`, size: content.length };
}

async function* pieces(...all: readonly (Buffer | Error)[]): AsyncGenerator<Buffer> {
  for (const each of all) {
    if (each instanceof Error) throw each;
    yield each;
  }
}

const CONTENT = Buffer.from('layer '.repeat(1000));

describe('blobs', () => {
  it('a blob that is what was promised is there, under its digest', async () => {
    const counts: number[] = [];
    const options = { signal, progress: (bytes: number) => counts.push(bytes) };
    await store.add(expected(CONTENT), () => pieces(CONTENT.subarray(0, 10), CONTENT.subarray(10)), options);
    assert.ok(store.has(expected(CONTENT)));
    assert.deepEqual(readFileSync(store.blobPath(expected(CONTENT).digest)), CONTENT);
    assert.deepEqual(counts, [0, 10, CONTENT.length]);
  });

  it('a broken transfer is continued where it broke off, by another process too', async () => {
    const broken = store.add(expected(CONTENT), () => pieces(CONTENT.subarray(0, 700), new Error('reset')), { signal });
    await assert.rejects(broken, /reset/);
    assert.ok(!store.has(expected(CONTENT)));
    const offsets: number[] = [];
    const rest = (offset: number) => {
      offsets.push(offset);
      return pieces(CONTENT.subarray(offset));
    };
    await open().add(expected(CONTENT), rest, { signal });
    assert.deepEqual(offsets, [700]);
    assert.deepEqual(readFileSync(store.blobPath(expected(CONTENT).digest)), CONTENT);
  });

  for (const [what, lie] of [
    ['other bytes', Buffer.from('LAYER '.repeat(1000))],
    ['more bytes', Buffer.concat([CONTENT, Buffer.from('x')])],
  ] as const) {
    it(`${what} than promised are an error, and nothing of them is kept`, async () => {
      await assert.rejects(
        store.add(expected(CONTENT), () => pieces(lie), { signal }),
        { code: 'image-invalid' },
      );
      assert.deepEqual(readdirSync(join(state, 'images/ingest')), []);
      assert.deepEqual(store.digests(), []);
    });
  }

  it('what a killed process has left is trusted only as far as its digest goes', async () => {
    const { digest } = expected(CONTENT);
    mkdirSync(join(state, 'images/ingest'), { recursive: true });
    writeFileSync(join(state, 'images/ingest', digest.replace(':', '-')), 'not of this blob');
    const add = () => store.add(expected(CONTENT), (offset) => pieces(CONTENT.subarray(offset)), { signal });
    await assert.rejects(add(), { code: 'image-invalid' });
    await add();
    assert.ok(store.has(expected(CONTENT)));
  });

  it('two that want the same blob fetch it once; when the first fails, the second fetches', async () => {
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    let fetched = 0;
    const slow = (fails: boolean) =>
      async function* (offset: number) {
        fetched += 1;
        await gate;
        if (fails) throw new Error('gone');
        yield CONTENT.subarray(offset);
      };
    const first = store.add(expected(CONTENT), slow(true), { signal });
    const others = [1, 2].map(() => store.add(expected(CONTENT), slow(false), { signal }));
    resolve();
    await assert.rejects(first, /gone/);
    await Promise.all(others);
    assert.equal(fetched, 2);
  });

  it('a cancelled transfer ends, and what has come is continued later', async () => {
    const controller = new AbortController();
    async function* endless() {
      yield CONTENT.subarray(0, 5);
      controller.abort();
      yield CONTENT.subarray(5, 10);
    }
    await assert.rejects(store.add(expected(CONTENT), endless, { signal: controller.signal }), { code: 'cancelled' });
    assert.equal(readdirSync(join(state, 'images/ingest')).length, 1);
    assert.equal(store.removeIngests(), 5);
    assert.equal(readdirSync(join(state, 'images/ingest')).length, 0);
  });

  it('a document is stored once, and read only with the right digest', () => {
    const added = store.addDocument(Buffer.from('{}'), MANIFEST);
    assert.deepEqual(store.addDocument(Buffer.from('{}'), MANIFEST), added);
    assert.equal(store.document(added).toString(), '{}');
    writeFileSync(store.blobPath(added.digest), '[]');
    assert.throws(() => store.document(added), { code: 'image-invalid' });
    assert.throws(() => store.document({ digest: `sha256:${'0'.repeat(64)}` }), { code: 'image-missing' });
    assert.throws(() => store.blobPath('sha256:../../x'), { code: 'image-invalid' });
  });
});

describe('names', () => {
  it('a name stands for one image; taking it away leaves the others', () => {
    const one = store.addDocument(Buffer.from('{"n":1}'), MANIFEST);
    const two = store.addDocument(Buffer.from('{"n":2}'), MANIFEST);
    store.index.set('docker.io/library/a:1', one);
    store.index.set('docker.io/library/b:1', one);
    store.index.set('docker.io/library/a:1', two);
    const digests = () => [...open().index.names()].map(([name, { digest }]) => [name, digest]);
    assert.deepEqual(
      open()
        .index.roots()
        .map(({ digest }) => digest),
      [one.digest, two.digest],
    );
    assert.ok(Date.now() - (open().index.namedAtMs('docker.io/library/a:1') ?? 0) < 60_000);
    // The last name that an image had is given to another: it stays without one.
    store.index.set('docker.io/library/c:1', one);
    store.index.remove(new Set(['docker.io/library/b:1']));
    store.index.set('docker.io/library/c:1', two);
    assert.deepEqual(
      open()
        .index.roots()
        .map(({ digest }) => digest),
      [two.digest, one.digest, two.digest],
    );
    store.index.set('docker.io/library/b:1', one);
    store.index.remove(new Set(['docker.io/library/c:1']));
    store.index.set('docker.io/library/a:1', two);
    assert.deepEqual(digests(), [
      ['docker.io/library/b:1', one.digest],
      ['docker.io/library/a:1', two.digest],
    ]);
    assert.equal(store.index.remove(new Set(['docker.io/library/b:1'])), true);
    assert.equal(store.index.remove(new Set(['docker.io/library/b:1'])), false);
    assert.deepEqual(digests(), [['docker.io/library/a:1', two.digest]]);
    assert.ok(existsSync(join(state, 'images/content/oci-layout')));
  });

  it('what other tools have written stays: their entries, members and annotations', () => {
    const { digest, size } = store.addDocument(Buffer.from('{}'), MANIFEST);
    const theirs = {
      mediaType: MANIFEST,
      digest,
      size,
      annotations: { 'org.opencontainers.image.ref.name': 'short:1', 'their.own': 'x' },
      artifactType: 'y',
    };
    const nameless = { mediaType: MANIFEST, digest, size };
    mkdirSync(join(state, 'images/content'), { recursive: true });
    const path = join(state, 'images/content/index.json');
    writeFileSync(path, JSON.stringify({ schemaVersion: 2, manifests: [theirs, nameless], annotations: { k: 'v' } }));
    assert.deepEqual([...store.index.names().keys()], ['docker.io/library/short:1']);
    store.index.set('docker.io/library/ours:1', { mediaType: MANIFEST, digest, size });
    const written = JSON.parse(readFileSync(path, 'utf8'));
    assert.deepEqual(written.manifests.slice(0, 2), [theirs, nameless]);
    assert.deepEqual(written.annotations, { k: 'v' });
  });
});
