import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { describe, it } from 'node:test';
import { inspectImage, rootFilesystem, unpackImage } from '../../src/image/image.ts';
import { missingProgram } from '../helpers/docker-registry.ts';
import { type Entry, type LayoutImage, tarOf, withDirectory, writeLayout } from '../helpers/image-builder.ts';
import { listMerged, listTree, type Tree } from '../helpers/list-tree.ts';
import { simpleHost } from '../helpers/simple-host.ts';

const skip = missingProgram('umoci', 'python3', 'setfattr', 'setcap');

type Layer = readonly Entry[] | Buffer;

/** The image as a container of ours sees it. */
async function ours(directory: string, path: string): Promise<Tree> {
  const context = { host: simpleHost(), paths: { state: `${directory}/state`, run: `${directory}/run` } };
  const source = { type: 'oci', path, tag: 't' } as const;
  const { id } = await inspectImage(context, source);
  await unpackImage(context, source, id, new AbortController().signal);
  const { lower } = await rootFilesystem(context, source, id);
  return listMerged(lower, `${directory}/scratch`);
}

function theirs(directory: string, path: string): Tree {
  execFileSync('umoci', ['unpack', '--image', `${path}:t`, `${directory}/bundle`], { stdio: 'pipe' });
  return listTree(`${directory}/bundle/rootfs`);
}

async function layout(path: string, layers: readonly Layer[], changes: Partial<LayoutImage> = {}): Promise<string> {
  const tars = await Promise.all(layers.map((each) => (Buffer.isBuffer(each) ? each : tarOf(each))));
  return writeLayout(path, [{ tag: 't', layers: tars, ...changes }]);
}

/** Node sets times as floating-point numbers. */
const TOLERATED_NS = 1000n;

/** Room on the disk and links to what is hidden are not compared; a time that is as good as the other tree's counts as it. */
function comparable(tree: Tree, other: Tree): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, { mtimeNs, onDisk, links, ...rest }]) => {
      const wanted = BigInt(other[path]?.mtimeNs ?? mtimeNs);
      const away = BigInt(mtimeNs) - wanted;
      const isSame = away <= TOLERATED_NS && away >= -TOLERATED_NS;
      return [path, { ...rest, mtimeNs: String(isSame ? wanted : mtimeNs) }];
    }),
  );
}

/** Compares, entry by entry, what the two make of an image; gives ours. */
async function compared(layers: readonly Layer[]): Promise<Tree> {
  let found: Tree = {};
  await withDirectory(async (directory) => {
    const path = await layout(`${directory}/layout`, layers);
    found = await ours(directory, path);
    const expected = theirs(directory, path);
    assert.deepEqual(comparable(found, expected), comparable(expected, expected));
  });
  return found;
}

/** A layer packed by GNU tar from what `make` puts into a directory. */
function packed(make: (root: string) => void): Buffer {
  let tar = Buffer.alloc(0);
  withDirectory((directory) => {
    make(directory);
    const argv = [
      '--format=pax',
      '--sparse',
      '--xattrs',
      '--xattrs-include=*',
      '--sort=name',
      '-C',
      directory,
      '-cf',
      '-',
      '.',
    ];
    tar = execFileSync('tar', argv, { maxBuffer: 2 ** 28 });
  });
  return tar;
}

const MTIME = new Date(1_600_000_000_000);
const BASE: readonly Entry[] = [
  { name: './', mode: 0o755 },
  { name: 'dir/', mode: 0o1770, uid: 7, gid: 8, mtime: MTIME, pax: { 'SCHILY.xattr.user.on': 'dir' } } as Entry,
  { name: 'dir/a', text: 'a' },
  { name: 'dir/b', text: 'b', mode: 0o4755, uid: 1000, gid: 1001 },
  { name: 'dir/sub/', mtime: MTIME },
  { name: 'dir/sub/c', text: 'c' },
  { name: 'usr/', mtime: MTIME },
  { name: 'usr/bin/', mtime: MTIME },
  { name: 'usr/bin/sh', text: '#!' },
  { name: 'bin', type: 'symlink', linkname: 'usr/bin', mtime: MTIME },
  { name: 'sbin', type: 'symlink', linkname: '/usr/bin' },
];

describe('the root filesystem is the one that umoci makes, entry by entry', { skip }, () => {
  it('of one layer', async () => {
    await compared([BASE]);
  });

  for (const [what, upper] of Object.entries<readonly Entry[]>({
    'a whiteout': [{ name: 'dir/.wh.a', text: '' }],
    'a whiteout of a directory': [{ name: '.wh.dir', text: '' }],
    'a whiteout beside a new entry of the same directory': [
      { name: 'dir/', mode: 0o700 },
      { name: 'dir/.wh.b', text: '' },
      { name: 'dir/n', text: 'n' },
    ],
    'an opaque directory': [
      { name: 'dir/', mode: 0o711, uid: 9 },
      { name: 'dir/.wh..wh..opq', text: '' },
      { name: 'dir/n', text: 'n' },
    ],
    'an opaque directory that has no entry of its own': [
      { name: 'dir/.wh..wh..opq', text: '' },
      { name: 'dir/n', text: 'n' },
    ],
    'an opaque directory with a directory of the same name in it': [
      { name: 'dir/' },
      { name: 'dir/.wh..wh..opq', text: '' },
      { name: 'dir/sub/', mode: 0o700 },
      { name: 'dir/sub/n', text: 'n' },
    ],
    'a directory that has no entry of its own': [{ name: 'dir/sub/new', text: 'new' }],
    'a file replaced by a directory': [{ name: 'dir/a/' }, { name: 'dir/a/in', text: 'in' }],
    'a directory replaced by a file': [{ name: 'dir/sub', text: 'now a file' }],
    'a directory replaced by a link': [{ name: 'dir/sub', type: 'symlink', linkname: '../usr' }],
    'a link replaced by a directory': [{ name: 'bin/' }, { name: 'bin/new', text: 'new' }],
    'a link replaced by a file': [{ name: 'bin', text: 'now a file' }],
    'parents that are links, relative and absolute': [
      { name: 'bin/one', text: '1' },
      { name: 'sbin/two', text: '2' },
      { name: 'sbin/.wh.sh', text: '' },
    ],
    'a file written over': [{ name: 'dir/b', text: 'other', mode: 0o600 }],
    'new attributes of a directory': [{ name: 'dir/', mode: 0o2750, pax: { 'SCHILY.xattr.user.other': '1' } } as Entry],
    'a hard link within the layer': [
      { name: 'dir/one', text: 'shared', uid: 5 },
      { name: 'usr/two', type: 'link', linkname: 'dir/one' },
      { name: 'usr/three', type: 'link', linkname: '/usr/two' },
    ],
    'a hard link to a file of the layer below': [{ name: 'usr/again', type: 'link', linkname: 'dir/b' }],
    'a hard link through a linked parent to the layer below': [{ name: 'x', type: 'link', linkname: 'bin/sh' }],
  })) {
    it(`with ${what}`, async () => {
      await compared([BASE, upper]);
    });
  }

  it('with what a third layer makes of the second', async () => {
    await compared([
      BASE,
      [
        { name: 'dir/.wh.sub', text: '' },
        { name: 'usr/bin/tool', text: '1' },
        { name: 'h1', text: 'h' },
        { name: 'h2', type: 'link', linkname: 'h1' },
      ],
      [
        { name: 'dir/sub/' },
        { name: 'dir/sub/again', text: 'again' },
        { name: 'bin/.wh.tool', text: '' },
        { name: '.wh.h1', text: '' },
      ],
    ]);
  });

  it('with device nodes, FIFOs, attributes, file capabilities, long names, names that are no UTF-8, times and holes', async () => {
    const tar = packed((root) => {
      writeFileSync(`${root}/plain`, 'text');
      execFileSync('setfattr', ['-n', 'user.note', '-v', 'a=b\n\\', `${root}/plain`]);
      writeFileSync(`${root}/capable`, 'program', { mode: 0o755 });
      chownSync(`${root}/capable`, 12, 34);
      execFileSync('setcap', ['cap_net_bind_service=+ep', `${root}/capable`]);
      linkSync(`${root}/capable`, `${root}/capable-too`);
      mkdirSync(`${root}/attributes`);
      execFileSync('setfattr', ['-n', 'trusted.of', '-v', '0x00ff', `${root}/attributes`]);
      for (const [name, ...numbers] of [
        ['char', 'c', '1', '3'],
        ['block', 'b', '259', '70000'],
        ['fifo', 'p'],
      ]) {
        execFileSync('mknod', ['-m', '640', `${root}/${name}`, ...numbers]);
      }
      const long = `${root}/${'d'.repeat(200)}/${'e'.repeat(255)}`;
      mkdirSync(long, { recursive: true });
      writeFileSync(`${long}/${'f'.repeat(250)}`, 'deep');
      symlinkSync('t'.repeat(300), `${root}/long-link`);
      const odd = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xe9, 0x0a, 0x5c, 0x80])]);
      writeFileSync(odd, 'odd');
      symlinkSync(Buffer.from([0xfe, 0x2f, 0xe9]), `${root}/odd-link`);
      writeFileSync(`${root}/ünï`, '');
      const hole = openSync(`${root}/hole`, 'w');
      writeSync(hole, 'start', 0);
      writeSync(hole, 'middle', 3_000_000);
      writeSync(hole, Buffer.alloc(1), 0, 1, 16 * 2 ** 20);
      closeSync(hole);
      chmodSync(`${root}/plain`, 0o6711);
      lutimesSync(`${root}/plain`, 1_234_567_890.123_457, 1_234_567_890.987_654);
      execFileSync('touch', ['-h', '-d', '@1600000000.999999999', `${root}/long-link`]);
      execFileSync('touch', ['-d', '@1600000001.000000300', `${root}/attributes`]);
    });
    const tree = await compared([BASE, tar, [{ name: 'dir/n', text: '' }]]);
    assert.ok((tree['hole']?.size ?? 0) > 16 * 2 ** 20);
    assert.ok((tree['hole']?.onDisk ?? Number.NaN) < 2 ** 20, 'holes stay holes');
    assert.equal(tree['capable']?.['sameAs'], 'capable');
    assert.equal(tree['capable-too']?.['sameAs'], 'capable');
    assert.ok('security.capability' in Object(tree['capable']?.['xattrs']));
    assert.deepEqual(tree['attributes']?.['xattrs'], { 'trusted.of': '00ff' });
  });

  it('of 200 layers, more than one line of mount options holds', async () => {
    const layers = Array.from({ length: 199 }, (_, index): readonly Entry[] => [
      { name: `dir/file-${index}`, text: `${index}` },
      { name: 'dir/latest', text: `${index}` },
      ...(index > 0 ? [{ name: `dir/.wh.file-${index - 1}`, text: '' }] : []),
    ]);
    const tree = await compared([BASE, ...layers]);
    assert.ok('dir/file-198' in tree && !('dir/file-197' in tree));
  });

  it('of zstd as of gzip', async () => {
    const layers: Layer[] = [
      BASE,
      [
        { name: 'dir/.wh.a', text: '' },
        { name: 'zeros', text: Buffer.alloc(3_000_000) },
      ],
    ];
    await withDirectory(async (directory) => {
      const zstd = await ours(directory, await layout(`${directory}/zstd`, layers, { packing: 'zstd' }));
      const gzip = theirs(directory, await layout(`${directory}/gzip`, layers));
      assert.deepEqual(comparable(zstd, gzip), comparable(gzip, gzip));
    });
  });
});
