import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { layerTar } from '../../src/image/layer/blob-stream.ts';
import { Budget } from '../../src/image/layer/budget.ts';
import { DEFAULT_LIMITS } from '../../src/image/limits.ts';
import { digestOf, withDirectory } from '../helpers/image-builder.ts';

interface Wanted {
  readonly packed: Buffer;
  readonly digest?: string;
  readonly diffId?: string;
  readonly signal?: AbortSignal;
}

async function unpack(wanted: Wanted): Promise<Buffer> {
  let content = Buffer.alloc(0);
  await withDirectory(async (directory) => {
    const path = `${directory}/blob`;
    writeFileSync(path, wanted.packed);
    const blob = {
      file: { path, start: 0, size: wanted.packed.length },
      digest: wanted.digest ?? digestOf(wanted.packed),
      ...(wanted.diffId !== undefined && { diffId: wanted.diffId }),
    };
    const chunks: Buffer[] = [];
    const signal = wanted.signal ?? new AbortController().signal;
    for await (const chunk of layerTar(blob, new Budget(DEFAULT_LIMITS), signal)) chunks.push(chunk);
    content = Buffer.concat(chunks);
  });
  return content;
}

const CONTENT = Buffer.concat([randomBytes(700_000), Buffer.alloc(2_000_000), Buffer.from('end')]);
const SKIPPABLE = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

function zstdFrames(): Buffer {
  const parts = [
    CONTENT.subarray(0, 100),
    CONTENT.subarray(100, 1_000_000),
    Buffer.alloc(0),
    CONTENT.subarray(1_000_000),
  ];
  const frames = parts.map((part, index) => {
    return zstdCompressSync(part, { params: { [constants.ZSTD_c_checksumFlag]: index % 2 } });
  });
  return Buffer.concat([SKIPPABLE, ...frames, SKIPPABLE]);
}

const FORMATS: readonly (readonly [string, () => Buffer])[] = [
  ['gzip', () => gzipSync(CONTENT)],
  ['gzip of two members', () => Buffer.concat([gzipSync(CONTENT.subarray(0, 999)), gzipSync(CONTENT.subarray(999))])],
  ['zstd', () => zstdCompressSync(CONTENT)],
  ['zstd of many frames with skippable ones around', zstdFrames],
  ['xz', () => execFileSync('xz', ['-c'], { input: CONTENT, maxBuffer: 2 ** 26 })],
  ['bzip2', () => execFileSync('bzip2', ['-c'], { input: CONTENT, maxBuffer: 2 ** 26 })],
  ['no compression', () => CONTENT],
];

for (const [format, make] of FORMATS) {
  test(`layerTar() unpacks and verifies ${format}`, async () => {
    assert.ok((await unpack({ packed: make(), diffId: digestOf(CONTENT) })).equals(CONTENT));
  });

  test(`layerTar() refuses ${format} that is cut off, whatever its digests`, async () => {
    const packed = make();
    await assert.rejects(unpack({ packed: packed.subarray(0, packed.length - 20), diffId: digestOf(CONTENT) }), {
      code: 'image-invalid',
    });
  });
}

test('layerTar() refuses packed bytes of another digest', async () => {
  const packed = gzipSync(CONTENT);
  await assert.rejects(unpack({ packed, digest: digestOf('other'), diffId: digestOf(CONTENT) }), {
    code: 'image-invalid',
    message: /has the digest/,
  });
});

test('layerTar() refuses unpacked bytes of another digest', async () => {
  await assert.rejects(unpack({ packed: gzipSync(CONTENT), diffId: digestOf('other') }), {
    code: 'image-invalid',
    message: /unpacked content has the digest/,
  });
});

test('layerTar() stops a decompression bomb at its ratio', async () => {
  const packed = gzipSync(Buffer.alloc(200_000_000));
  await assert.rejects(unpack({ packed }), { code: 'image-invalid', message: /decompression bomb/ });
});

test('layerTar() refuses a zstd frame that asks for more memory than 128 MiB', async () => {
  const packed = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00]);
  await assert.rejects(unpack({ packed }), { code: 'image-invalid', message: /memory/ });
});

test('layerTar() ends with `cancelled` when its signal is aborted', async () => {
  await assert.rejects(unpack({ packed: gzipSync(CONTENT), signal: AbortSignal.abort() }), { code: 'cancelled' });
});
