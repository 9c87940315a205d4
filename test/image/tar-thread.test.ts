import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Budget } from '../../src/image/layer/budget.ts';
import { TarThread } from '../../src/image/layer/tar-thread.ts';
import { DEFAULT_LIMITS } from '../../src/image/limits.ts';
import type { LayerBlob } from '../../src/image/opened-image.ts';
import { digestOf, withDirectory } from '../helpers/image-builder.ts';

const CONTENT = Buffer.concat([randomBytes(3_000_000), Buffer.alloc(9_000_000), randomBytes(17)]);
const { signal } = new AbortController();

/** A thread that takes every layer, and a way to make one. */
async function withThread(
  body: (thread: TarThread, blob: (packed: Buffer, digests?: Partial<LayerBlob>) => LayerBlob) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const thread = new TarThread(0);
    let count = 0;
    try {
      await body(thread, (packed, digests) => {
        count += 1;
        const path = `${directory}/${count}`;
        writeFileSync(path, packed);
        return { file: { path, start: 0, size: packed.length }, digest: digestOf(packed), ...digests };
      });
    } finally {
      await thread.close();
    }
  });
}

async function all(thread: TarThread, blob: LayerBlob, budget = new Budget(DEFAULT_LIMITS)): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of thread.tar(blob, budget, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('TarThread gives the bytes of layer after layer, packed or plain', () =>
  withThread(async (thread, blob) => {
    const diffId = digestOf(CONTENT);
    assert.ok((await all(thread, blob(gzipSync(CONTENT), { diffId }))).equals(CONTENT));
    assert.ok((await all(thread, blob(CONTENT, { diffId }))).equals(CONTENT));
    assert.equal((await all(thread, blob(Buffer.alloc(0)))).length, 0);
    assert.ok((await all(thread, blob(gzipSync(CONTENT), { diffId }))).equals(CONTENT));
  }));

test('TarThread refuses other digests as layerTar() does, and what is plain and has both digests wrong', () =>
  withThread(async (thread, blob) => {
    const other = digestOf('other');
    const invalid = (message: RegExp) => ({ code: 'image-invalid', message });
    await assert.rejects(all(thread, blob(gzipSync(CONTENT), { digest: other })), invalid(/^it has the digest/));
    await assert.rejects(all(thread, blob(gzipSync(CONTENT), { diffId: other })), invalid(/unpacked content has/));
    await assert.rejects(all(thread, blob(CONTENT, { digest: other, diffId: other })), invalid(/has the digest/));
    const packed = gzipSync(CONTENT);
    await assert.rejects(all(thread, blob(packed, { diffId: digestOf(packed) })), invalid(/unpacked content has/));
    await assert.rejects(all(thread, blob(packed.subarray(0, 1_000_000))), invalid(/damaged/));
  }));

test('TarThread stops a decompression bomb at its ratio, and takes the next layer', () =>
  withThread(async (thread, blob) => {
    const bomb = blob(gzipSync(Buffer.alloc(200_000_000)));
    await assert.rejects(all(thread, bomb), { code: 'image-invalid', message: /decompression bomb/ });
    assert.ok((await all(thread, blob(CONTENT))).equals(CONTENT));
  }));

test('TarThread ends with `cancelled`, and with who stops reading', () =>
  withThread(async (thread, blob) => {
    const controller = new AbortController();
    const layer = blob(CONTENT);
    const reading = async () => {
      for await (const _ of thread.tar(layer, new Budget(DEFAULT_LIMITS), controller.signal)) controller.abort();
    };
    await assert.rejects(reading(), { code: 'cancelled' });
    for await (const chunk of thread.tar(layer, new Budget(DEFAULT_LIMITS), signal)) {
      assert.ok(chunk.length > 0);
      break;
    }
    assert.ok((await all(thread, layer)).equals(CONTENT));
  }));

test('a closed TarThread leaves nothing that keeps the process', () =>
  withThread(async (thread, blob) => {
    await all(thread, blob(CONTENT));
    await thread.close();
    await thread.close();
    assert.ok(!process.getActiveResourcesInfo().includes('MessagePort'));
  }));
