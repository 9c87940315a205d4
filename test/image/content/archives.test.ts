import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { collectBlobs, removeLayers, unneededLayers } from '../../../src/image/content/collect.ts';
import { ContentStore } from '../../../src/image/content/content-store.ts';
import { type LoadedImage, loadImages } from '../../../src/image/content/load.ts';
import { saveImages } from '../../../src/image/content/save.ts';
import { findStored, listStored } from '../../../src/image/content/stored-image.ts';
import { imageKey, inspectImage } from '../../../src/image/image.ts';
import {
  configText,
  digestOf,
  type LayoutImage,
  tarOf,
  withDirectory,
  writeLayout,
} from '../../helpers/image-builder.ts';
import { simpleHost } from '../../helpers/simple-host.ts';

const signal = new AbortController().signal;

async function imageOf(text: string, tag?: string): Promise<LayoutImage> {
  const layers = [await tarOf([{ name: 'base', text: 'base' }]), await tarOf([{ name: 'file', text }])];
  return { layers, config: { Cmd: [text] }, ...(tag !== undefined && { tag }) };
}

function storeIn(directory: string): ContentStore {
  return new ContentStore({ state: `${directory}/state`, run: `${directory}/run` });
}

function load(store: ContentStore, path: string, directory = false): Promise<readonly LoadedImage[]> {
  return loadImages(store, { path, directory }, { signal, progress: () => undefined });
}

/** What `docker save` wrote before it wrote OCI layouts. */
async function dockerArchive(path: string, images: readonly { image: LayoutImage; tags: string[]; gzip?: boolean }[]) {
  const members = new Map<string, Buffer>();
  const manifest = images.map(({ image, tags, gzip }) => {
    const config = Buffer.from(configText(image));
    members.set(`${digestOf(config).slice(7)}.json`, config);
    const layers = image.layers.map((tar) => {
      const name = `${digestOf(tar).slice(7)}/layer.tar`;
      members.set(name, gzip === true ? gzipSync(tar) : tar);
      return name;
    });
    return { Config: `${digestOf(config).slice(7)}.json`, RepoTags: tags, Layers: layers };
  });
  members.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  writeFileSync(path, await tarOf([...members].map(([name, text]) => ({ name, text }))));
}

describe('archives', () => {
  it('what is loaded from a layout and saved again is loaded elsewhere with the same digests and names', () =>
    withDirectory(async (directory) => {
      const layout = writeLayout(`${directory}/layout`, [await imageOf('one', 'app:1'), await imageOf('two', 'app:2')]);
      const first = storeIn(`${directory}/first`);
      const loaded = await load(first, layout, true);
      assert.deepEqual(
        loaded.map(({ names }) => names),
        [['docker.io/library/app:1'], ['docker.io/library/app:2']],
      );
      const archive = `${directory}/saved.tar`;
      const images = ['app:1', 'app:2'].map((name) => findStored(first, name));
      await saveImages(
        first,
        images.map((image) => ({ image, names: image.names })),
        { path: archive, signal },
      );
      const second = storeIn(`${directory}/second`);
      assert.deepEqual(await load(second, archive), loaded);
      assert.deepEqual(
        listStored(second).map(({ id }) => id),
        listStored(first).map(({ id }) => id),
      );
      // And the same bytes again.
      await saveImages(
        second,
        images.map((image) => ({ image, names: image.names })),
        { path: `${archive}2`, signal },
      );
      assert.deepEqual(readFileSync(`${archive}2`), readFileSync(archive));
    }));

  for (const gzip of [false, true]) {
    it(`an archive of docker save with ${gzip ? 'packed' : 'plain'} layers keeps the image's id`, () =>
      withDirectory(async (directory) => {
        const image = await imageOf('one');
        await dockerArchive(`${directory}/a.tar`, [{ image, tags: ['team/app:1', 'team/app:latest'], gzip }]);
        const store = storeIn(directory);
        await load(store, `${directory}/a.tar`);
        for (const name of [
          'team/app:1',
          'team/app',
          digestOf(configText(image)),
          digestOf(configText(image)).slice(7, 19),
        ]) {
          assert.equal(findStored(store, name).id, digestOf(configText(image)), name);
        }
        assert.throws(() => findStored(store, 'team/app:2'), { code: 'image-missing' });
        assert.throws(() => findStored(store, 'team/app', { os: 'linux', architecture: 'riscv64' }), {
          code: 'image-invalid',
          message: /it is for linux\/\w+, not for linux\/riscv64/,
        });
        const context = { host: simpleHost(), paths: { state: `${directory}/state`, run: `${directory}/run` } };
        const source = { type: 'reference', reference: 'team/app' } as const;
        assert.deepEqual((await inspectImage(context, source)).config.command, ['one']);
        assert.equal(imageKey(source), 'team/app');
      }));
  }

  it('an image for another machine is found by its name, to be removed or saved', () =>
    withDirectory(async (directory) => {
      const image = { ...(await imageOf('one')), architecture: 'riscv64' };
      await dockerArchive(`${directory}/a.tar`, [{ image, tags: ['team/app:1'] }]);
      const store = storeIn(directory);
      await load(store, `${directory}/a.tar`);
      assert.equal(findStored(store, 'team/app:1').about.platform, 'linux/riscv64');
    }));

  it('a layer that is not what the configuration says is refused, and no name is set', () =>
    withDirectory(async (directory) => {
      const image = await imageOf('one');
      const other = await imageOf('two');
      await dockerArchive(`${directory}/a.tar`, [{ image: { ...image, layers: image.layers }, tags: ['app:1'] }]);
      const text = readFileSync(`${directory}/a.tar`).toString('latin1');
      const [, top] = other.layers;
      assert.ok(top !== undefined);
      writeFileSync(`${directory}/b.tar`, text.replace(/one\0/, 'two\0'), 'latin1');
      const store = storeIn(directory);
      await assert.rejects(load(store, `${directory}/b.tar`), { code: 'image-invalid', message: /has the digest/ });
      assert.deepEqual(listStored(store), []);
    }));

  it('what is no image archive is refused', () =>
    withDirectory(async (directory) => {
      writeFileSync(`${directory}/a.tar`, await tarOf([{ name: 'x', text: 'x' }]));
      await assert.rejects(load(storeIn(directory), `${directory}/a.tar`), { code: 'image-invalid' });
    }));
});

describe('collecting', () => {
  it('what no name leads to goes, what two images share stays until the last is gone', () =>
    withDirectory(async (directory) => {
      const layout = writeLayout(`${directory}/layout`, [await imageOf('one', 'app:1'), await imageOf('two', 'app:2')]);
      const store = storeIn(directory);
      await load(store, layout, true);
      const kept = findStored(store, 'app:2');
      assert.equal(collectBlobs(store), 0);
      store.index.remove(new Set(['docker.io/library/app:1']));
      assert.ok(collectBlobs(store) > 0);
      const needed = [kept.root.digest, kept.id, ...kept.layers.map(({ digest }) => digest ?? '')];
      assert.deepEqual([...store.digests()].toSorted(), needed.toSorted());
      store.index.remove(new Set(['docker.io/library/app:2']));
      collectBlobs(store);
      assert.deepEqual(store.digests(), []);
    }));

  it('unpacked layers go with the last image that needs them', () =>
    withDirectory(async (directory) => {
      const images = `${directory}/state/images`;
      const id = (digit: string) => `sha256:${digit.repeat(64)}`;
      for (const [image, layers] of [
        ['a', ['1', '2']],
        ['b', ['1', '3']],
      ] as const) {
        for (const layer of layers) mkdirSync(`${images}/layers/${layer.repeat(64)}`, { recursive: true });
        mkdirSync(`${images}/unpacked`, { recursive: true });
        writeFileSync(`${images}/unpacked/${image.repeat(64)}.json`, JSON.stringify({ layers: layers.map(id) }));
      }
      const paths = { state: `${directory}/state`, run: `${directory}/run` };
      const there = (layer: string) => existsSync(`${images}/layers/${layer.repeat(64)}`);
      const needed = new Set([id('a'), 'host', 'dir:/x']);
      assert.deepEqual(unneededLayers(paths, { needed, of: [id('a')] }), []);
      await removeLayers(paths, { needed }, unneededLayers(paths, { needed }));
      assert.deepEqual(['1', '2', '3'].map(there), [true, true, false]);
      assert.ok(existsSync(`${images}/unpacked/${'a'.repeat(64)}.json`));
      assert.ok(!existsSync(`${images}/unpacked/${'b'.repeat(64)}.json`));
    }));
});
