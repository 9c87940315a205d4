import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ContentStore } from '../../src/image/content/content-store.ts';
import { loadImages } from '../../src/image/content/load.ts';
import { saveImages } from '../../src/image/content/save.ts';
import { findStored } from '../../src/image/content/stored-image.ts';
import { imageKey, inspectImage, unpackImage } from '../../src/image/image.ts';
import { configText, digestOf, type LayoutImage, tarOf, withDirectory, writeLayout } from '../helpers/image-builder.ts';
import { simpleHost } from '../helpers/simple-host.ts';

function contextIn(state: string) {
  return { host: simpleHost(), paths: { state: `${state}/state`, run: `${state}/run` } };
}

async function image(config: Record<string, unknown> = {}, tag?: string): Promise<LayoutImage> {
  return { layers: [await tarOf([{ name: 'etc/' }])], config, ...(tag !== undefined && { tag }) };
}

test('inspectImage() reads an OCI layout: its id is the digest of the configuration', () =>
  withDirectory(async (directory) => {
    const only = await image({ Cmd: ['/bin/true'] });
    const path = writeLayout(`${directory}/layout`, [only]);
    const info = await inspectImage(contextIn(directory), { type: 'oci', path });
    assert.equal(info.id, digestOf(configText(only)));
    assert.deepEqual(info.config.command, ['/bin/true']);
    assert.equal(info.unpacked, false);
  }));

test('inspectImage() reads the whole configuration, times of the health check in nanoseconds', () =>
  withDirectory(async (directory) => {
    const config = {
      Entrypoint: ['/entry'],
      Env: ['A=1=2', 'NOEQ', 'EMPTY='],
      User: '7:8',
      WorkingDir: '/srv',
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      Labels: { a: 'b' },
      StopSignal: 'SIGQUIT',
      Shell: ['/bin/bash', '-c'],
      Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 1_500_000_000, Retries: 5 },
    };
    const path = writeLayout(`${directory}/layout`, [await image(config)]);
    assert.deepEqual((await inspectImage(contextIn(directory), { type: 'oci', path })).config, {
      entrypoint: ['/entry'],
      command: [],
      env: { A: '1=2', EMPTY: '' },
      user: '7:8',
      workingDir: '/srv',
      exposedPorts: ['80/tcp'],
      volumes: ['/data'],
      labels: { a: 'b' },
      stopSignal: 'SIGQUIT',
      healthcheck: {
        test: ['/bin/bash', '-c', 'true'],
        intervalMs: 1500,
        retries: 5,
      },
    });
  }));

test('inspectImage() chooses by tag, and names the tags when it cannot', () =>
  withDirectory(async (directory) => {
    const images = [await image({ Cmd: ['one'] }, 'v1'), await image({ Cmd: ['two'] }, 'example.org/app:v2')];
    const path = writeLayout(`${directory}/layout`, images);
    const context = contextIn(directory);
    assert.deepEqual((await inspectImage(context, { type: 'oci', path, tag: 'v2' })).config.command, ['two']);
    await assert.rejects(inspectImage(context, { type: 'oci', path }), {
      code: 'image-missing',
      message: /holds 2 images and no tag/,
      hint: /"v1", "example.org\/app:v2"/,
    });
    await assert.rejects(inspectImage(context, { type: 'oci', path, tag: 'v3' }), { message: /no image "v3"/ });
  }));

test('inspectImage() chooses the manifest of this platform and refuses an image that has none', () =>
  withDirectory(async (directory) => {
    const other = { ...(await image({ Cmd: ['other'] })), architecture: 'riscv64' };
    const context = contextIn(directory);
    const both = writeLayout(`${directory}/both`, [other, await image({ Cmd: ['ours'] })]);
    assert.deepEqual((await inspectImage(context, { type: 'oci', path: both })).config.command, ['ours']);
    const foreign = writeLayout(`${directory}/foreign`, [other]);
    await assert.rejects(inspectImage(context, { type: 'oci', path: foreign }), {
      code: 'image-invalid',
      message: /linux\/riscv64/,
    });
  }));

test('inspectImage() refuses a document that was changed after it was named', () =>
  withDirectory(async (directory) => {
    const only = await image({ Cmd: ['/bin/true'] });
    const path = writeLayout(`${directory}/layout`, [only]);
    const blob = `${path}/blobs/sha256/${digestOf(configText(only)).slice(7)}`;
    writeFileSync(blob, readFileSync(blob, 'utf8').replace('/bin/true', '/bin/evil'));
    await assert.rejects(inspectImage(contextIn(directory), { type: 'oci', path }), {
      code: 'image-invalid',
      message: /^image "oci:.*has the digest/,
    });
  }));

for (const [what, editManifest] of [
  [
    'a path for a digest',
    (m: Record<string, unknown>) => Object.assign(m['config'] as object, { digest: 'sha256:../../x' }),
  ],
  ['manifests in a manifest', (m: Record<string, unknown>) => Object.assign(m, { manifests: [] })],
  ['schema version 1', (m: Record<string, unknown>) => Object.assign(m, { schemaVersion: 1 })],
  [
    'more layers than diff ids',
    (m: Record<string, unknown>) => (m['layers'] as unknown[]).push((m['layers'] as unknown[])[0]),
  ],
  ['a size that is negative', (m: Record<string, unknown>) => Object.assign(m['config'] as object, { size: -1 })],
] as const) {
  test(`inspectImage() refuses ${what}`, () =>
    withDirectory(async (directory) => {
      const path = writeLayout(`${directory}/layout`, [{ ...(await image()), editManifest }]);
      await assert.rejects(inspectImage(contextIn(directory), { type: 'oci', path }), { code: 'image-invalid' });
    }));
}

test('inspectImage() reads the same layout out of a tar archive', () =>
  withDirectory(async (directory) => {
    const path = writeLayout(`${directory}/layout`, [await image({ Cmd: ['/bin/true'] }, 'v1')]);
    execFileSync('tar', ['-cf', `${directory}/image.tar`, '-C', path, '.']);
    const context = contextIn(directory);
    const archived = await inspectImage(context, { type: 'oci-archive', path: `${directory}/image.tar`, tag: 'v1' });
    assert.deepEqual(archived, await inspectImage(context, { type: 'oci', path }));
  }));

async function dockerArchive(file: string, members: Record<string, string>, manifest: unknown): Promise<string> {
  const entries = Object.entries({ ...members, 'manifest.json': JSON.stringify(manifest) });
  writeFileSync(file, await tarOf(entries.map(([name, text]) => ({ name, text }))));
  return file;
}

test('inspectImage() reads what docker save writes, by any spelling of the tag', () =>
  withDirectory(async (directory) => {
    const saved = await image({ Cmd: ['/bin/true'] });
    const members = { 'c.json': configText(saved), 'l/layer.tar': 'x' };
    const manifest = [{ Config: 'c.json', RepoTags: ['demo/app:v1'], Layers: ['l/layer.tar'] }];
    const path = await dockerArchive(`${directory}/saved.tar`, members, manifest);
    for (const tag of [undefined, 'v1', 'demo/app:v1']) {
      const source = { type: 'docker-archive', path, ...(tag !== undefined && { tag }) } as const;
      assert.equal((await inspectImage(contextIn(directory), source)).id, digestOf(configText(saved)));
    }
  }));

test('inspectImage() takes names in a docker archive for members only, never for paths', () =>
  withDirectory(async (directory) => {
    const saved = await image();
    const members = { 'c.json': configText(saved), 'l/layer.tar': 'x' };
    for (const [Config, layer] of [
      ['/etc/hostname', 'l/layer.tar'],
      ['c.json', '../../../../../../etc/passwd'],
      ['c.json', 'missing.tar'],
    ] as const) {
      const path = await dockerArchive(`${directory}/evil.tar`, members, [{ Config, Layers: [layer] }]);
      await assert.rejects(inspectImage(contextIn(directory), { type: 'docker-archive', path }), {
        code: 'image-invalid',
        message: /is not a file in the archive/,
      });
    }
  }));

for (const [packer, type] of [
  ['gzip', 'docker-archive'],
  ['zstd', 'oci-archive'],
  ['xz', 'oci-archive'],
] as const) {
  test(`inspectImage() and unpackImage() take an ${type} packed with ${packer}, which is not unpacked again to be planned`, () =>
    withDirectory(async (directory) => {
      const only = await image({ Cmd: ['/bin/true'] }, 'app:1');
      const path = `${directory}/app.tar.packed`;
      await packedArchive(directory, { image: only, packer, path });
      const context = contextIn(directory);
      const source = { type, path, tag: '1' } as const;
      const { id, config } = await inspectImage(context, source);
      assert.equal(id, digestOf(configText(only)));
      assert.deepEqual(config.command, ['/bin/true']);
      // What is remembered is believed while the file is the same.
      const [name = ''] = readdirSync(`${directory}/state/images/archives`);
      const record = `${directory}/state/images/archives/${name}`;
      writeFileSync(record, readFileSync(record, 'utf8').replace('/bin/true', '/bin/false'));
      assert.deepEqual((await inspectImage(context, source)).config.command, ['/bin/false']);
      assert.deepEqual(readdirSync(`${directory}/state/images/staging`), []);
      await unpackImage(context, source, id, new AbortController().signal);
      assert.equal((await inspectImage(context, source)).unpacked, true);
      assert.deepEqual(readdirSync(`${directory}/state/images/staging`), []);
      // A changed one is read again.
      writeFileSync(path, readFileSync(path).subarray(0, -40));
      await assert.rejects(inspectImage(context, source), { code: 'image-invalid', message: /^image ".*": / });
    }));
}

/** The image as skopeo writes it, packed as a whole. */
async function packedArchive(
  directory: string,
  { image: only, packer, path }: { readonly image: LayoutImage; readonly packer: string; readonly path: string },
): Promise<void> {
  const layout = writeLayout(`${directory}/layout`, [only]);
  const store = new ContentStore({ state: `${directory}/first`, run: `${directory}/run` });
  const { signal } = new AbortController();
  await loadImages(store, { path: layout, directory: true }, { signal, progress: () => undefined });
  const stored = findStored(store, 'app:1');
  await saveImages(store, [{ image: stored, names: stored.names }], { path: `${directory}/app.tar`, signal });
  writeFileSync(path, execFileSync(packer, ['-c', `${directory}/app.tar`], { stdio: ['ignore', 'pipe', 'ignore'] }));
}

test('an archive that unpacks to a bomb is stopped, and leaves nothing', () =>
  withDirectory(async (directory) => {
    writeFileSync(`${directory}/bomb.tar.gz`, gzipSync(Buffer.alloc(200_000_000)));
    const context = contextIn(directory);
    await assert.rejects(inspectImage(context, { type: 'oci-archive', path: `${directory}/bomb.tar.gz` }), {
      code: 'image-invalid',
      message: /decompression bomb/,
    });
    assert.deepEqual(readdirSync(`${directory}/state/images/staging`), []);
  }));

test('inspectImage() says how to go on when an archive is compressed twice or a reference was meant', () =>
  withDirectory(async (directory) => {
    const packed = gzipSync(Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(600)]));
    writeFileSync(`${directory}/x.tar.gz`, packed);
    const context = contextIn(directory);
    await assert.rejects(inspectImage(context, { type: 'oci-archive', path: `${directory}/x.tar.gz` }), {
      message: /gunzip/,
    });
    await assert.rejects(inspectImage(context, { type: 'reference', reference: 'nginx:1.27' }), {
      code: 'image-missing',
      message: 'image "nginx:1.27" is not in the store',
      hint: /oci:DIR/,
    });
    await assert.rejects(inspectImage(context, { type: 'oci', path: `${directory}/none` }), {
      code: 'image-missing',
      message: /there is no such directory/,
    });
  }));

test('inspectImage() takes a tarball by its content, and notices that it changed', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/root.tar`;
    const context = contextIn(directory);
    const source = { type: 'rootfs', path } as const;
    writeFileSync(path, 'first');
    assert.equal((await inspectImage(context, source)).id, digestOf('first'));
    assert.equal((await inspectImage(context, source)).id, digestOf('first'));
    writeFileSync(path, 'other');
    assert.equal((await inspectImage(context, source)).id, digestOf('other'));
  }));

test('imageKey() tells every source from the others', () => {
  const keys = [
    imageKey({ type: 'host' }),
    imageKey({ type: 'rootfs', path: '/x' }),
    imageKey({ type: 'oci', path: '/x' }),
    imageKey({ type: 'oci', path: '/x', tag: 'v1' }),
    imageKey({ type: 'oci-archive', path: '/x' }),
    imageKey({ type: 'docker-archive', path: '/x' }),
    imageKey({ type: 'reference', reference: 'nginx:1.27' }),
    imageKey({ type: 'reference', reference: 'nginx:1.27', platform: 'linux/arm64' }),
    imageKey({ type: 'reference', reference: 'nginx:1.27', platform: 'linux/amd64' }),
  ];
  assert.equal(new Set(keys).size, keys.length);
});
