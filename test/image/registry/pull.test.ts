import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TransferEvent } from '../../../src/image/registry/transfer.ts';
import { descriptor, stored, testImage, testIndex } from '../../helpers/http-registry.ts';
import { IMAGE, LAYER, names, pull, registry, setUpPulls, state, store } from '../../helpers/pull.ts';
import { until } from '../../helpers/run.ts';

setUpPulls();

const LAYERS = IMAGE.layers.map(({ data }) => data);

describe('pull', () => {
  it('brings manifest, configuration and layers, and then the name; a second time nothing comes', async () => {
    registry.addImage('app', '1', IMAGE);
    const events: TransferEvent[] = [];
    const result = await pull('app:1', { progress: (event) => events.push(event) });
    const { digest } = IMAGE.manifest;
    const downloadedBytes = 300_000 + IMAGE.config.size;
    assert.deepEqual(result, { digest, imageId: IMAGE.config.digest, downloadedBytes, alreadyThere: false });
    assert.deepEqual(names(), { [`${registry.host}/app:1`]: digest });
    for (const each of [IMAGE.manifest, IMAGE.config, ...IMAGE.layers]) assert.ok(store.has(each));
    const states = events.filter((event) => event.digest === LAYER.digest).map((event) => event.state);
    assert.deepEqual([...new Set(states)], ['waiting', 'downloading', 'done']);
    assert.deepEqual(events.at(-1)?.bytes, events.at(-1)?.size);

    registry.seen.length = 0;
    assert.deepEqual(await pull('app:1'), { ...result, downloadedBytes: 0, alreadyThere: true });
    assert.deepEqual(registry.paths(/./), ['GET /v2/app/manifests/1']);
    registry.seen.length = 0;
    assert.equal((await pull(`app@${digest}`)).alreadyThere, true);
    assert.deepEqual(registry.paths(/./), []);
  });

  it('of an index the platform’s manifest comes, and the name stands for the index', async () => {
    const platforms = ['linux/arm/v6', 'linux/arm/v7', 'linux/amd64/v3', 'linux/amd64', 'linux/s390x'];
    const images = platforms.map((platform) => {
      const [os, architecture, variant] = platform.split('/');
      const described = { os, architecture, ...(variant !== undefined && { variant }) };
      return { image: testImage([Buffer.from(platform)], described), platform: described };
    });
    const index = testIndex(images);
    for (const { image } of images) registry.addImage('app', image.manifest.digest, image);
    registry.addDocument('app', '1', index);
    for (const [platform, position] of [
      ['linux/arm', 1],
      ['linux/arm/v8', 1],
      ['linux/arm/v6', 0],
      ['linux/amd64', 3],
      ['linux/amd64/v4', 2],
    ] as const) {
      const { imageId, digest } = await pull('app:1', { platform });
      assert.equal(imageId, images[position]?.image.config.digest, platform);
      assert.equal(digest, index.digest);
    }
    assert.deepEqual(names(), { [`${registry.host}/app:1`]: index.digest });
    assert.equal(store.digests().length, 1 + 4 * 3);
    const message = /it is for linux\/arm\/v6, linux\/arm\/v7, .*linux\/s390x, not for linux\/riscv64/;
    await assert.rejects(pull('app:1', { platform: 'linux/riscv64' }), { code: 'image-invalid', message });
    await assert.rejects(pull('app:1', { platform: 'riscv' }), { code: 'image-invalid', message: /not a platform/ });
  });

  it('an image without an index is checked by its configuration, before its layers come', async () => {
    registry.addImage('app', '1', testImage(LAYERS, { os: 'linux', architecture: 's390x' }));
    await assert.rejects(pull('app:1', { platform: 'linux/amd64' }), {
      code: 'image-invalid',
      message: /it is for linux\/s390x/,
    });
    assert.ok(!registry.paths(/blobs/).some((path) => path.includes(LAYER.digest)));
    assert.deepEqual(names(), {});
  });

  it('several at once share blobs; one that is cancelled leaves the others to go on', async () => {
    const second = testImage([...LAYERS, Buffer.from('three')]);
    registry.addImage('app', '1', IMAGE);
    registry.addImage('app', '2', second);
    const both = await Promise.all([pull('app:1'), pull('app:2'), pull('app:1')]);
    for (const { digest } of IMAGE.layers) assert.equal(registry.paths(new RegExp(`blobs/${digest}`)).length, 1);
    const total = both.reduce((sum, { downloadedBytes }) => sum + downloadedBytes, 0);
    assert.equal(total, 300_005 + IMAGE.config.size + second.config.size);

    for (const digest of store.digests()) store.remove(digest);
    const controller = new AbortController();
    const held = Promise.withResolvers<void>();
    registry.handler = (request, response) => {
      if (!request.url?.includes(LAYER.digest) || controller.signal.aborted) return false;
      response.writeHead(200, { 'content-length': LAYER.size }).write(LAYER.data.subarray(0, 1000));
      held.resolve();
      return true;
    };
    const first = assert.rejects(pull('app:1', { signal: controller.signal }), { code: 'cancelled' });
    await held.promise;
    const other = pull('app:2');
    controller.abort();
    await first;
    await other;
    assert.ok(second.layers.every((layer) => store.has(layer)));
  });

  it('who cancels does not wait for the images before him', async () => {
    const many = testImage(['a', 'b', 'c', 'd', 'e'].map((text) => Buffer.from(text)));
    registry.addImage('slow', '1', many);
    registry.addImage('app', '1', testImage([Buffer.from('small')]));
    const held = new Set<string>();
    const { promise: full, resolve } = Promise.withResolvers<void>();
    registry.handler = (request) => {
      const waits = many.layers.some(({ digest }) => request.url?.includes(digest));
      if (waits && held.add(request.url ?? '').size === 4) resolve();
      return waits;
    };
    const controllers = [new AbortController(), new AbortController()] as const;
    const slow = assert.rejects(pull('slow:1', { signal: controllers[0].signal }), { code: 'cancelled' });
    await full;
    const waiting = assert.rejects(pull('app:1', { signal: controllers[1].signal }), { code: 'cancelled' });
    await until('it asks', () => registry.paths(/app\/manifests/).length > 0);
    controllers[1].abort('a reason of its own');
    await waiting;
    controllers[0].abort();
    await slow;
    assert.deepEqual(names(), {});
    registry.handler = () => false;
    await pull('slow:1');
  });

  it('a failure leaves no name, and what came is not fetched again', async () => {
    registry.addImage('app', '1', IMAGE);
    const [, bad = LAYER] = IMAGE.layers;
    registry.handler = (request, response) => {
      if (!request.url?.includes(bad.digest)) return false;
      response.writeHead(404).end();
      return true;
    };
    await assert.rejects(pull('app:1'), { code: 'image-missing', message: /Cannot get blob sha256/ });
    assert.deepEqual(names(), {});
    registry.handler = () => false;
    await pull('app:1');
    assert.ok(registry.paths(new RegExp(IMAGE.config.digest)).length === 1);
    assert.deepEqual(names(), { [`${registry.host}/app:1`]: IMAGE.manifest.digest });
  });

  it('a damaged rest of an earlier pull is fetched anew', async () => {
    registry.addImage('app', '1', IMAGE);
    mkdirSync(join(state, 'images/ingest'), { recursive: true });
    writeFileSync(join(state, 'images/ingest', LAYER.digest.replace(':', '-')), 'damaged');
    await pull('app:1');
    assert.ok(store.has(LAYER));
    assert.deepEqual(readdirSync(join(state, 'images/ingest')), []);
  });

  for (const [what, body, message] of [
    ['other bytes', Buffer.alloc(LAYER.size, 'lie'), /has the digest/],
    ['more bytes, chunked', Buffer.alloc(LAYER.size + 1, 'one'), /longer than/],
  ] as const) {
    it(`${what} than the manifest says are refused`, async () => {
      registry.addImage('app', '1', IMAGE);
      registry.handler = (request, response) => {
        if (!request.url?.includes(LAYER.digest)) return false;
        response.writeHead(200);
        response.end(body);
        return true;
      };
      await assert.rejects(pull('app:1'), { code: 'image-invalid', message });
      assert.deepEqual(names(), {});
      assert.ok(!existsSync(store.blobPath(LAYER.digest)));
    });
  }

  for (const [what, edit, message] of [
    ['a layer of 100 TiB', { layers: [{ ...descriptor(LAYER), size: 1e14 }] }, /its layers have/],
    [
      'a huge configuration',
      { config: { ...descriptor(IMAGE.config), size: 1e9 } },
      /configuration has 1000000000 bytes/,
    ],
    [
      'a digest that is a path',
      { layers: [{ ...descriptor(LAYER), digest: 'sha256:../../../etc/passwd' }] },
      /is not a sha256/,
    ],
    ['lists of manifests in a manifest', { manifests: [] }, /ambiguous/],
  ] as const) {
    it(`a manifest with ${what} brings nothing`, async () => {
      const document = { ...JSON.parse(IMAGE.manifest.data.toString()), ...edit };
      registry.addDocument('app', '1', stored(document, IMAGE.manifest.mediaType));
      await assert.rejects(pull('app:1'), { code: 'image-invalid', message });
      assert.deepEqual(registry.paths(/blobs/), []);
    });
  }

  it('an index that contains itself, or is nested without end, ends', async () => {
    let inner = testIndex([{ image: IMAGE, platform: {} }]);
    for (let depth = 0; depth < 6; depth += 1) {
      const { mediaType } = inner;
      inner = stored({ schemaVersion: 2, mediaType, manifests: [descriptor(inner)] }, mediaType);
      registry.addDocument('app', '1', inner);
    }
    await assert.rejects(pull('app:1'), { code: 'image-invalid', message: /nested more than 4 deep/ });
  });
});
