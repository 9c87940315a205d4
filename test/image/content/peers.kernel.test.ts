import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { ContentStore } from '../../../src/image/content/content-store.ts';
import { loadImages } from '../../../src/image/content/load.ts';
import { saveImages } from '../../../src/image/content/save.ts';
import { findStored } from '../../../src/image/content/stored-image.ts';
import { inspectImage, rootFilesystem, unpackImage } from '../../../src/image/image.ts';
import type { ImageSource } from '../../../src/model/stack.ts';
import { missingProgram } from '../../helpers/docker-registry.ts';
import { type Entry, tarOf, withDirectory, writeLayout } from '../../helpers/image-builder.ts';
import { listMerged, listTree, type Tree } from '../../helpers/list-tree.ts';
import { simpleHost } from '../../helpers/simple-host.ts';

const { signal } = new AbortController();
const NAME = 'docker.io/library/app:1';
const NAME_2 = 'docker.io/library/app:2';

const LAYERS: readonly (readonly Entry[])[] = [
  [
    { name: './' },
    { name: 'dir/', mode: 0o1777, uid: 3 },
    { name: 'dir/a', text: 'a', uid: 1000, mode: 0o4755 },
    { name: 'dir/b', type: 'link', linkname: 'dir/a' },
    { name: 'link', type: 'symlink', linkname: 'dir' },
  ],
  [{ name: 'dir/.wh.a', text: '' }, { name: 'new', text: 'x', pax: { 'SCHILY.xattr.user.k': 'v' } } as Entry],
];
const CONFIG = {
  Entrypoint: ['/bin/app'],
  Cmd: ['--flag', 'ü'],
  Env: ['PATH=/bin', 'EMPTY='],
  User: '7:8',
  WorkingDir: '/dir',
  Labels: { 'org.example': 'label' },
  ExposedPorts: { '80/tcp': {} },
  Volumes: { '/data': {} },
  StopSignal: 'SIGINT',
};

function pathsIn(directory: string) {
  return { state: `${directory}/state`, run: `${directory}/run` };
}

async function original(directory: string): Promise<string> {
  const layers = await Promise.all(LAYERS.map(tarOf));
  return writeLayout(`${directory}/original`, [{ tag: '1', layers, config: CONFIG }]);
}

/** Everything that an image comes to: its configuration, id and root filesystem. */
interface Outcome {
  readonly id: string;
  readonly config: unknown;
  readonly tree: Tree;
}

async function outcome(directory: string, source: ImageSource): Promise<Outcome> {
  const context = { host: simpleHost(), paths: pathsIn(directory) };
  const { id, config } = await inspectImage(context, source);
  await unpackImage(context, source, id, signal);
  const { lower } = await rootFilesystem(context, source, id);
  const tree = Object.entries(listMerged(lower, `${directory}/scratch`)).map(([path, { onDisk: _, ...each }]) => [
    path,
    each,
  ]);
  return { id, config, tree: Object.fromEntries(tree) };
}

/** Loaded into a store of its own, whatever name the archive gives. */
async function loaded(directory: string, path: string, isDirectory: boolean): Promise<Outcome> {
  const store = new ContentStore(pathsIn(directory));
  const [image] = await loadImages(store, { path, directory: isDirectory }, { signal, progress: () => undefined });
  return outcome(directory, { type: 'reference', reference: image?.digest ?? '' });
}

function skopeo(...argv: readonly string[]): string {
  return execFileSync('skopeo', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe('images of other tools', { skip: missingProgram('skopeo', 'umoci', 'python3') }, () => {
  for (const [transport, directory, target] of [
    ['docker-archive', false, (path: string) => `docker-archive:${path}:${NAME}`],
    ['oci-archive', false, (path: string) => `oci-archive:${path}:1`],
    ['oci', true, (path: string) => `oci:${path}:1`],
  ] as const) {
    it(`what skopeo writes as ${transport} we load, with the same configuration and root filesystem`, () =>
      withDirectory(async (scratch) => {
        const path = await original(scratch);
        const copied = `${scratch}/copied`;
        skopeo('copy', '-q', `oci:${path}:1`, target(copied));
        const wanted = await outcome(`${scratch}/wanted`, { type: 'oci', path, tag: '1' });
        const found = await loaded(`${scratch}/found`, copied, directory);
        assert.deepEqual({ ...found, id: '' }, { ...wanted, id: '' });
        // As a source of a service, without loading.
        const direct = await outcome(`${scratch}/direct`, { type: transport, path: copied });
        assert.deepEqual({ ...direct, id: '' }, { ...wanted, id: '' });
      }));

    it(`what we save or store, skopeo copies to ${transport}, as the same image`, () =>
      withDirectory(async (scratch) => {
        const path = await original(scratch);
        const store = new ContentStore(pathsIn(`${scratch}/first`));
        await loadImages(store, { path, directory: true }, { signal, progress: () => undefined });
        store.index.set(NAME, findStored(store, (await inspect(scratch, path)).id).descriptor);
        const archive = `${scratch}/saved.tar`;
        await saveImages(store, [{ image: findStored(store, 'app:1'), names: [NAME] }], { path: archive, signal });
        const wanted = await outcome(`${scratch}/wanted`, { type: 'oci', path, tag: '1' });
        const layout = `${scratch}/first/state/images/content`;
        for (const [number, source] of [
          `docker-archive:${archive}`,
          `oci-archive:${archive}`,
          `oci:${layout}:${NAME}`,
        ].entries()) {
          const copied = `${scratch}/copied-${number}`;
          skopeo('copy', '-q', source, target(copied));
          const found = await outcome(`${scratch}/found-${number}`, { type: transport, path: copied });
          assert.deepEqual({ ...found, id: '' }, { ...wanted, id: '' }, source);
        }
      }));
  }

  it('what skopeo writes into our store as it stands is an image of ours, and what was there stays', () =>
    withDirectory(async (scratch) => {
      const path = await original(scratch);
      const store = new ContentStore(pathsIn(`${scratch}/ours`));
      const other = writeLayout(`${scratch}/other`, [{ tag: 'other:1', layers: [await tarOf([])] }]);
      await loadImages(store, { path: other, directory: true }, { signal, progress: () => undefined });
      skopeo('copy', '-q', `oci:${path}:1`, `oci:${scratch}/ours/state/images/content:app:1`);
      const found = await outcome(`${scratch}/ours`, { type: 'reference', reference: 'app:1' });
      assert.deepEqual(found, await outcome(`${scratch}/wanted`, { type: 'oci', path, tag: '1' }));
      assert.equal(findStored(store, 'other:1').layers.length, 1);
    }));

  it('what umoci has packed again we load, and umoci unpacks it from our store as it stands', () =>
    withDirectory(async (scratch) => {
      const path = await original(scratch);
      const layout = `${scratch}/umoci`;
      skopeo('copy', '-q', `oci:${path}:1`, `oci:${layout}:1`);
      const umoci = (...argv: string[]) => execFileSync('umoci', argv, { stdio: 'pipe' });
      umoci('unpack', '--image', `${layout}:1`, `${scratch}/bundle`);
      const script = 'echo changed > new; rm dir/b; mkdir -p deep/er';
      execFileSync('sh', ['-c', script], { cwd: `${scratch}/bundle/rootfs` });
      umoci('repack', '--image', `${layout}:${NAME_2}`, `${scratch}/bundle`);
      umoci('rm', '--image', `${layout}:1`);
      const { tree, config } = await loaded(`${scratch}/ours`, layout, true);
      assert.deepEqual(Object.keys(tree).sort(), ['', 'deep', 'deep/er', 'dir', 'link', 'new']);
      assert.equal(tree['new']?.size, 'changed\n'.length);
      assert.deepEqual(config, (await inspect(`${scratch}/as-is`, path)).config);
      umoci('unpack', '--image', `${scratch}/ours/state/images/content:${NAME_2}`, `${scratch}/again`);
      const theirs = listTree(`${scratch}/again/rootfs`);
      assert.deepEqual(Object.keys(theirs).sort(), Object.keys(tree).sort());
    }));
});

function inspect(scratch: string, path: string) {
  const context = { host: simpleHost(), paths: pathsIn(scratch) };
  return inspectImage(context, { type: 'oci', path, tag: '1' });
}
