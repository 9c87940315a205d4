import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { inspectImage, readRootFile, rootFilesystem, unpackImage } from '../../src/image/image.ts';
import { DEFAULT_LIMITS, type UnpackLimits } from '../../src/image/limits.ts';
import { type Entry, tarOf, withDirectory, writeLayout } from '../helpers/image-builder.ts';
import { simpleHost } from '../helpers/simple-host.ts';

function contextIn(directory: string, limits: UnpackLimits = DEFAULT_LIMITS) {
  return { host: simpleHost(), paths: { state: `${directory}/state`, run: `${directory}/run` }, limits };
}

async function unpack(directory: string, layers: readonly (readonly Entry[])[], name = 'layout') {
  const path = writeLayout(`${directory}/${name}`, [{ layers: await Promise.all(layers.map(tarOf)) }]);
  const context = contextIn(directory);
  const source = { type: 'oci', path } as const;
  const { id } = await inspectImage(context, source);
  await unpackImage(context, source, id, new AbortController().signal);
  return rootFilesystem(context, source, id);
}

/** What the kernel shows of the layers, merged: `ls`-like lines of every path, sorted. */
function merged(directory: string, lower: readonly string[]): readonly string[] {
  mkdirSync(`${directory}/merged`, { recursive: true });
  mkdirSync(`${directory}/empty`, { recursive: true });
  const script = `mount -t overlay -o "lowerdir=$1" none "$2" && cd "$2" && find . -mindepth 1 -printf '%y %m %U:%G %P %l\\n'`;
  const argv = ['-m', 'sh', '-c', script, 'sh', [`${directory}/empty`, ...lower].join(':'), `${directory}/merged`];
  return execFileSync('unshare', argv, { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort((left, right) => (left.slice(2) < right.slice(2) ? -1 : 1));
}

function names(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.split(' ')[3] ?? '').sort();
}

const LOWER: readonly Entry[] = [
  { name: 'dir/' },
  { name: 'dir/a', text: 'a' },
  { name: 'dir/b', text: 'b' },
  { name: 'dir/sub/' },
  { name: 'dir/sub/c', text: 'c' },
];

test('a whiteout hides one name of the layers below from the kernel', () =>
  withDirectory(async (directory) => {
    const { lower } = await unpack(directory, [LOWER, [{ name: 'dir/.wh.a', text: '' }]]);
    assert.deepEqual(names(merged(directory, lower)), ['dir', 'dir/b', 'dir/sub', 'dir/sub/c']);
  }));

test('a whiteout of what is not there leaves no trace that a program could see', () =>
  withDirectory(async (directory) => {
    const { lower } = await unpack(directory, [
      [{ name: 'x', text: '' }],
      [{ name: 'dir/' }, { name: 'dir/.wh.zzz', text: '' }],
    ]);
    assert.deepEqual(names(merged(directory, lower)), ['dir', 'x']);
  }));

for (const [order, marker] of [
  ['before', (rest: Entry[]) => [{ name: 'dir/' }, { name: 'dir/.wh..wh..opq', text: '' }, ...rest]],
  ['after', (rest: Entry[]) => [{ name: 'dir/' }, ...rest, { name: 'dir/.wh..wh..opq', text: '' }]],
] as const) {
  test(`an opaque marker ${order} the new files hides the old ones, in directories made again too`, () =>
    withDirectory(async (directory) => {
      const entries = marker([{ name: 'dir/n', text: 'n' }, { name: 'dir/sub/' }, { name: 'dir/sub/n', text: 'n' }]);
      const { lower } = await unpack(directory, [LOWER, entries]);
      assert.deepEqual(names(merged(directory, lower)), ['dir', 'dir/n', 'dir/sub', 'dir/sub/n']);
    }));
}

test('a directory that is removed and made again in one layer comes back empty', () =>
  withDirectory(async (directory) => {
    const { lower } = await unpack(directory, [
      LOWER,
      [{ name: '.wh.dir', text: '' }, { name: 'dir/' }, { name: 'dir/n', text: '' }],
    ]);
    assert.deepEqual(names(merged(directory, lower)), ['dir', 'dir/n']);
  }));

test('a link in a lower layer leads the entries of an upper one: /bin of a merged /usr stays a link', () =>
  withDirectory(async (directory) => {
    const base: Entry[] = [{ name: 'usr/bin/' }, { name: 'bin', type: 'symlink', linkname: 'usr/bin' }];
    const { lower } = await unpack(directory, [base, [{ name: 'bin/tool', text: 't' }]]);
    assert.deepEqual(names(merged(directory, lower)), ['bin', 'usr', 'usr/bin', 'usr/bin/tool']);
  }));

test('a directory in place of a lower link takes the entries that follow it, not the link', () =>
  withDirectory(async (directory) => {
    const base: Entry[] = [{ name: 'real/' }, { name: 'x', type: 'symlink', linkname: 'real' }];
    const next: Entry[] = [{ name: 'x/a', text: '' }, { name: 'x/' }, { name: 'x/b', text: '' }];
    const { lower } = await unpack(directory, [base, next]);
    assert.deepEqual(names(merged(directory, lower)), ['real', 'real/a', 'x', 'x/b']);
  }));

test('a directory that a layer only passes through keeps the mode and owner of the layer below', () =>
  withDirectory(async (directory) => {
    const base: Entry[] = [{ name: 'tmp/', mode: 0o1777, uid: 3, gid: 4 }];
    const { lower } = await unpack(directory, [base, [{ name: 'tmp/x', text: '' }]]);
    assert.equal(merged(directory, lower)[0], 'd 1777 3:4 tmp');
  }));

test('owner, set-user-ID bits, times, hard links, FIFOs and devices come out as they went in', () =>
  withDirectory(async (directory) => {
    const mtime = new Date(1_234_567_000_000);
    const { lower } = await unpack(directory, [
      [
        { name: 'd/', mode: 0o2775, mtime },
        { name: 'd/su', text: 's', mode: 0o4755, uid: 1000, gid: 1001, mtime },
        { name: 'd/again', type: 'link', linkname: '/d/su' },
        { name: 'd/pipe', type: 'fifo', mode: 0o600 },
        { name: 'd/null', type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666 },
      ],
    ]);
    const root = lower[0] ?? '';
    assert.deepEqual(
      merged(directory, lower),
      [
        'd 2775 0:0 d',
        'f 4755 1000:1001 d/again',
        'f 4755 1000:1001 d/su',
        'c 666 0:0 d/null',
        'p 600 0:0 d/pipe',
      ].sort((left, right) => (left.slice(2) < right.slice(2) ? -1 : 1)),
    );
    assert.equal(lstatSync(`${root}/d/su`).nlink, 2);
    assert.equal(lstatSync(`${root}/d/null`).rdev, 0x103);
    assert.equal(statSync(`${root}/d/su`).mtimeMs, mtime.getTime());
    assert.equal(statSync(`${root}/d`).mtimeMs, mtime.getTime());
  }));

test('extended attributes are set, file capabilities after the owner that would clear them', () =>
  withDirectory(async (directory) => {
    const pax = { 'SCHILY.xattr.user.empty': '', 'SCHILY.xattr.user.k': 'v w', 'SCHILY.xattr.user.a=b': '1' };
    const { lower } = await unpack(directory, [[{ name: 'odd name\n=\\', text: 'x', uid: 7, pax } as Entry]]);
    const argv = ['--absolute-names', '--only-values', '-n', 'user.k', `${lower[0]}/odd name\n=\\`];
    assert.equal(execFileSync('getfattr', argv, { encoding: 'utf8' }), 'v w');
    const names = execFileSync('getfattr', ['--absolute-names', argv.at(-1) ?? ''], { encoding: 'utf8' });
    assert.match(names, /^user\.empty$/m);
  }));

/** A directory of the host that hostile layers aim at. */
async function withCanary(body: (directory: string, canary: string) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const canary = `${directory}/canary`;
    mkdirSync(canary);
    writeFileSync(`${canary}/keep`, 'keep');
    const before = statSync(canary);
    await body(directory, canary);
    assert.deepEqual(readdirSync(canary), ['keep']);
    assert.equal(readFileSync(`${canary}/keep`, 'utf8'), 'keep');
    assert.equal(statSync(canary).ctimeMs, before.ctimeMs);
    assert.equal(statSync(canary).mtimeMs, before.mtimeMs);
  });
}

test('writing through a link to the host lands inside the root', () =>
  withCanary(async (directory, canary) => {
    const link: Entry = { name: 'link', type: 'symlink', linkname: canary };
    const { lower } = await unpack(directory, [[link], [{ name: 'link/keep', text: 'pwned' }]]);
    assert.equal(readFileSync(`${lower[0]}${canary}/keep`, 'utf8'), 'pwned');
  }));

test('whiteouts, times and attributes of a directory that becomes a link to the host stay off the host', () =>
  withCanary(async (directory, canary) => {
    const base: Entry[] = [{ name: 'd/' }, { name: 'd/keep', text: '' }, { name: 'd/x', text: '' }, { name: 'e/sub/' }];
    const evil: Entry[] = [
      { name: 'd/', pax: { 'SCHILY.xattr.user.k': 'v' } } as Entry,
      { name: 'd/.wh.x', text: '' },
      { name: 'd/keep', text: '', pax: { 'SCHILY.xattr.user.k': 'v' } } as Entry,
      { name: 'd/.wh..wh..opq', text: '' },
      { name: 'd/canary/' },
      { name: 'd', type: 'symlink', linkname: canary },
      { name: 'e/canary/' },
      { name: 'e', type: 'symlink', linkname: directory },
    ];
    const { lower } = await unpack(directory, [base, evil]);
    assert.ok(lstatSync(`${lower[0]}/d`).isSymbolicLink());
  }));

test('a refused layer leaves nothing in the store, and the error names image, layer and entry', () =>
  withDirectory(async (directory) => {
    const bad: Entry[] = [
      { name: 'ok', text: '' },
      { name: 'h', type: 'link', linkname: 'missing' },
    ];
    await assert.rejects(unpack(directory, [LOWER, bad]), {
      code: 'image-invalid',
      message: /^image "oci:.*": layer sha256:[0-9a-f]{64}: entry "h": a hard link to "missing", which is not there$/,
    });
    assert.deepEqual(readdirSync(`${directory}/state/images/staging`), []);
    assert.ok(!existsSync(`${directory}/state/images/layers`));
  }));

test('limits hold over all layers of an image', () =>
  withDirectory(async (directory) => {
    const path = writeLayout(`${directory}/layout`, [
      { layers: [await tarOf(LOWER), await tarOf([...LOWER, { name: 'x', text: '' }])] },
    ]);
    const source = { type: 'oci', path } as const;
    const context = contextIn(directory, { ...DEFAULT_LIMITS, entries: 10 });
    const { id } = await inspectImage(context, source);
    await assert.rejects(unpackImage(context, source, id, new AbortController().signal), {
      message: /more than 10 entries/,
    });
  }));

test('a layer that two images share is unpacked once', () =>
  withDirectory(async (directory) => {
    const first = await unpack(directory, [LOWER, [{ name: 'one', text: '' }]], 'first');
    const inode = statSync(first.lower[1] ?? '').ino;
    const second = await unpack(directory, [LOWER, [{ name: 'two', text: '' }]], 'second');
    assert.equal(second.lower[1], first.lower[1]);
    assert.equal(statSync(second.lower[1] ?? '').ino, inode);
  }));

test('the same image asked for several times at once is unpacked once', () =>
  withDirectory(async (directory) => {
    const path = writeLayout(`${directory}/layout`, [{ layers: [await tarOf(LOWER)] }]);
    const context = contextIn(directory);
    const source = { type: 'oci', path } as const;
    const { id } = await inspectImage(context, source);
    const signal = new AbortController().signal;
    await Promise.all([1, 2, 3].map(() => unpackImage(context, source, id, signal)));
    assert.equal(readdirSync(`${directory}/state/images/layers`).length, 1);
    assert.equal((await inspectImage(context, source)).unpacked, true);
  }));

test('an unpacked image needs neither its source nor what a killed process has left', () =>
  withDirectory(async (directory) => {
    const rubbish = `${directory}/state/images/staging/4194999-dead/0/root`;
    mkdirSync(rubbish, { recursive: true });
    const context = contextIn(directory);
    const rootfs = await unpack(directory, [LOWER]);
    assert.deepEqual(readdirSync(`${directory}/state/images/staging`), []);
    const source = { type: 'oci', path: `${directory}/layout` } as const;
    const { id } = await inspectImage(context, source);
    rmSync(source.path, { recursive: true });
    assert.deepEqual(await rootFilesystem(context, source, id), rootfs);
    renameSync(rootfs.lower[0] ?? '', `${directory}/gone`);
    await assert.rejects(rootFilesystem(context, source, id), { code: 'image-missing' });
  }));

test('unpackImage() refuses an image that is another one than was planned', () =>
  withDirectory(async (directory) => {
    const context = contextIn(directory);
    const path = writeLayout(`${directory}/layout`, [{ layers: [await tarOf(LOWER)] }]);
    const { id } = await inspectImage(context, { type: 'oci', path });
    writeLayout(path, [{ layers: [await tarOf([])], config: { Cmd: ['other'] } }]);
    await assert.rejects(unpackImage(context, { type: 'oci', path }, id, new AbortController().signal), {
      code: 'image-invalid',
      message: /when it was planned/,
    });
  }));

test('a tarball becomes a root filesystem, of xz too', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/root.tar.xz`;
    writeFileSync(path, execFileSync('xz', ['-c'], { input: await tarOf(LOWER) }));
    const context = contextIn(directory);
    const source = { type: 'rootfs', path } as const;
    const { id } = await inspectImage(context, source);
    await unpackImage(context, source, id, new AbortController().signal);
    const { lower } = await rootFilesystem(context, source, id);
    assert.equal(readFileSync(`${lower[0]}/dir/sub/c`, 'utf8'), 'c');
  }));

test('readRootFile() sees what the kernel would show: the upper directory first, then what is not hidden', () =>
  withDirectory(async (directory) => {
    const base: Entry[] = [{ name: 'etc/' }, { name: 'etc/passwd', text: 'base' }, { name: 'etc/group', text: 'base' }];
    const { lower } = await unpack(directory, [base, [{ name: 'etc/.wh.group', text: '' }]]);
    const rootfs = { lower, overlays: [] };
    const upper = `${directory}/layers/root/upper`;
    mkdirSync(`${upper}/etc`, { recursive: true });
    const read = (path: string) => readRootFile(simpleHost(), rootfs, `${directory}/layers`, path);
    assert.equal(read('/etc/passwd'), 'base');
    assert.equal(read('/etc/group'), undefined);
    writeFileSync(`${upper}/etc/passwd`, 'changed');
    assert.equal(read('/etc/passwd'), 'changed');
    rmSync(`${upper}/etc/passwd`);
    execFileSync('mknod', [`${upper}/etc/passwd`, 'c', '0', '0']);
    assert.equal(read('/etc/passwd'), undefined);
  }));
