import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { parseChmod } from '../../src/build/context/chmod.ts';
import { planCopy } from '../../src/build/context/copy.ts';
import { entryDigest } from '../../src/build/context/entry-digest.ts';
import { PatternMatcher } from '../../src/build/context/ignore.ts';
import { DirectoryTree } from '../../src/build/context/scan.ts';
import { EMPTY_TREE, type SourceTree } from '../../src/build/context/tree.ts';
import { withDirectory } from '../helpers/image-builder.ts';

/** A tree of files: `dir/`, `file`, `link -> target`. */
function make(root: string, paths: readonly string[]): string {
  mkdirSync(root, { recursive: true });
  for (const path of paths) {
    const [name = '', target] = path.split(' -> ');
    mkdirSync(name.endsWith('/') ? `${root}/${name}` : dirname(`${root}/${name}`), { recursive: true });
    if (target !== undefined) symlinkSync(target, `${root}/${name}`);
    else if (!name.endsWith('/')) writeFileSync(`${root}/${name}`, name);
  }
  return root;
}

interface Options {
  readonly files?: readonly string[];
  readonly ignore?: readonly string[];
  readonly image?: readonly string[];
  readonly excludes?: readonly string[];
  readonly parents?: boolean;
}

const FILES = [
  'a.txt',
  'b.txt',
  'c.md',
  'dir/x',
  'dir/sub/y.txt',
  'dir/sub/z',
  'empty/',
  'to-dir -> dir',
  'to-b -> /b.txt',
  'out -> ../../etc',
];

/** `from>to` of each thing copied, `+to` of a directory made on the way. */
async function copied(sources: string, destination: string, options: Options = {}): Promise<string> {
  let shown = '';
  await withDirectory(async (directory) => {
    const ignore = new PatternMatcher(options.ignore ?? [], '.dockerignore');
    const tree = new DirectoryTree(make(`${directory}/context`, options.files ?? FILES), { asRoot: true, ignore });
    const image: SourceTree =
      options.image === undefined
        ? EMPTY_TREE
        : new DirectoryTree(make(`${directory}/image`, options.image), { asRoot: false });
    const result = await planCopy({
      tree,
      sources: sources.split(' '),
      destination,
      image,
      excludes: new PatternMatcher(options.excludes ?? [], '--exclude'),
      parents: options.parents ?? false,
      others: 0,
    });
    shown = result
      .copied()
      .map((each) => (each.type === 'made' ? `+${each.to}` : `${each.entry.path || '.'}>${each.to}`))
      .join(' ');
  });
  return shown;
}

const CASES: readonly [sources: string, destination: string, result: string, options?: Options][] = [
  ['a.txt', '/x', 'a.txt>x'],
  ['a.txt', '/x/', '+x a.txt>x/a.txt'],
  ['a.txt', '/d/e/x', '+d +d/e a.txt>d/e/x'],
  ['a.txt', '/x', 'a.txt>x/a.txt', { image: ['x/'] }],
  ['a.txt', '/x/y', 'a.txt>x/y', { image: ['x/'] }],
  ['a.txt', '/bin/y', 'a.txt>usr/bin/y', { image: ['usr/bin/', 'bin -> usr/bin'] }],
  ['a.txt c.md', '/x/', '+x a.txt>x/a.txt c.md>x/c.md'],
  ['*.txt', '/x/', '+x a.txt>x/a.txt b.txt>x/b.txt'],
  ['[!a]*.txt nothing*', '/x/', '+x a.txt>x/a.txt'],
  ['[^a].txt', '/x/', '+x b.txt>x/b.txt'],
  ['d?r', '/x', '+x dir/sub>x/sub dir/sub/y.txt>x/sub/y.txt dir/sub/z>x/sub/z dir/x>x/x'],
  ['dir', '/x', '+x dir/sub>x/sub dir/sub/y.txt>x/sub/y.txt dir/sub/z>x/sub/z dir/x>x/x'],
  ['dir/', '/', 'dir/sub>sub dir/sub/y.txt>sub/y.txt dir/sub/z>sub/z dir/x>x', { image: ['usr/'] }],
  ['dir', '/x', 'dir/sub>x/sub dir/sub/y.txt>x/sub/y.txt dir/sub/z>x/sub/z dir/x>x/x', { image: ['x/sub/'] }],
  ['*/sub', '/x', '+x dir/sub/y.txt>x/y.txt dir/sub/z>x/z'],
  ['empty', '/x', '+x'],
  ['to-dir', '/x', '+x dir/sub>x/sub dir/sub/y.txt>x/sub/y.txt dir/sub/z>x/sub/z dir/x>x/x'],
  ['to-b', '/x/', '+x b.txt>x/to-b'],
  ['d/l', '/x', 'f>x', { files: ['f', 'd/l -> /f'] }],
  ['d/l', '/x', 'd/f>x', { files: ['f', 'd/f', 'd/l -> ../../d/f'] }],
  ['.', '/x', '+x a>x/a l>x/l', { files: ['a', 'l -> ../../etc'] }],
  ['dir', '/x', '+x dir/sub>x/sub dir/sub/z>x/sub/z dir/x>x/x', { excludes: ['**/*.txt'] }],
  ['*', '/x/', '', { files: [], image: ['nothing'] }],
  ['*.txt', '/x/', '+x b.txt>x/b.txt', { excludes: ['a*'] }],
  ['dir', '/x', '+x dir/sub>x/sub dir/sub/z>x/sub/z', { excludes: ['*', '!sub/z'] }],
  ['dir/sub/z', '/x', '+x dir>x/dir dir/sub>x/dir/sub dir/sub/z>x/dir/sub/z', { parents: true }],
  ['dir/./sub/z', '/x/', '+x dir/sub>x/sub dir/sub/z>x/sub/z', { parents: true }],
  ['dir/./sub/.', '/x/', '+x dir/sub>x/sub dir/sub/y.txt>x/sub/y.txt dir/sub/z>x/sub/z', { parents: true }],
  [
    '**/*.txt',
    '/x/',
    '+x a.txt>x/a.txt b.txt>x/b.txt dir>x/dir dir/sub>x/dir/sub dir/sub/y.txt>x/dir/sub/y.txt',
    { parents: true },
  ],
  [
    '*/sub/*',
    '/x/',
    '+x dir>x/dir dir/sub>x/dir/sub dir/sub/y.txt>x/dir/sub/y.txt dir/sub/z>x/dir/sub/z',
    { parents: true },
  ],
  [
    '.',
    '/x',
    '+x c.md>x/c.md dir>x/dir dir/sub>x/dir/sub dir/sub/z>x/dir/sub/z',
    { ignore: ['*', '!*.md', '!dir/sub/z'] },
  ],
  ['dir', '/x', '+x dir/sub>x/sub dir/sub/y.txt>x/sub/y.txt', { ignore: ['**', '!**/*.txt'] }],
];

test('planCopy() puts everything where BuildKit puts it', async () => {
  for (const [sources, destination, expected, options] of CASES) {
    assert.equal(await copied(sources, destination, options), expected, `${sources} → ${destination}`);
  }
});

test('names are bytes, and heredocs get their place beside other files', () =>
  withDirectory(async (directory) => {
    const tree = new DirectoryTree(make(directory, ['ü']), { asRoot: true });
    const excludes = new PatternMatcher([], '');
    const result = await planCopy({
      tree,
      sources: ['?'],
      destination: '/é/',
      image: EMPTY_TREE,
      excludes,
      parents: false,
      others: 1,
    });
    assert.equal(result.placeOf('EOF'), '\xc3\xa9/EOF');
    assert.deepEqual(
      result.copied().map(({ to }) => to),
      ['\xc3\xa9', '\xc3\xa9/\xc3\xbc'],
    );
    const alone = await planCopy({
      tree,
      sources: [],
      destination: '/a/b',
      image: EMPTY_TREE,
      excludes,
      parents: false,
      others: 1,
    });
    assert.equal(alone.placeOf('EOF'), 'a/b');
    assert.deepEqual(alone.copied(), [{ type: 'made', to: 'a' }]);
  }));

const WRONG: readonly [sources: string, destination: string, message: RegExp, options?: Options][] = [
  ['a.txt c.md', '/x', /Several files cannot be copied to "\/x", which is no directory/],
  ['*.txt', '/x', /Several files/],
  ['b.tct', '/x', /There is no "b\.tct" to copy/],
  ['a.txt', '/x', /There is no "a\.txt" to copy/, { ignore: ['*.txt'] }],
  ['out', '/x', /There is no "out" to copy/],
  ['dir/sub/q', '/x', /There is no "\/dir\/sub\/q" to copy/, { parents: true }],
  ['dir', '/x', /"x" of the image is no directory/, { image: ['x'] }],
  ['dir', '/x', /The file "dir\/x" cannot take the place of the directory "\/x\/x"/, { image: ['x/x/'] }],
  ['loop', '/x', /Too many links/, { files: ['loop -> loop'] }],
  ['[a', '/x', /"\[a" is no pattern/],
];

test('planCopy() says what cannot be copied', async () => {
  for (const [sources, destination, message, options] of WRONG) {
    await assert.rejects(copied(sources, destination, options), message, `${sources} → ${destination}`);
  }
});

test('an ignored directory is not read when nothing in it can be kept', () =>
  withDirectory((directory) => {
    make(directory, ['node_modules/a', 'src/b']);
    chmodSync(`${directory}/node_modules`, 0);
    chmodSync(directory, 0o755);
    const children = (patterns: readonly string[]): readonly string[] =>
      new DirectoryTree(directory, { asRoot: true, ignore: new PatternMatcher(patterns, 'f') }).children('');
    // Root may read everything.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      assert.deepEqual(children(['node_modules', '!src']), ['src']);
      assert.throws(() => children(['node_modules', '!**/src']), /"node_modules" cannot be read: EACCES/);
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(`${directory}/node_modules`, 0o755);
    }
  }));

test('names come in the order of their bytes, and names that are no text stay as they are', () =>
  withDirectory((directory) => {
    for (const name of ['b', 'B', 'é', '\xff', 'a']) {
      writeFileSync(
        Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, name === '\xff' ? 'latin1' : 'utf8')]),
        '',
      );
    }
    const tree = new DirectoryTree(directory, { asRoot: true });
    assert.deepEqual(tree.children(''), ['B', 'a', 'b', '\xc3\xa9', '\xff']);
    assert.equal(tree.entry('\xff')?.type, 'file');
  }));

test('a file is read once for its hash, and a change while it is read is found out', () =>
  withDirectory(async (directory) => {
    make(directory, ['a', 'd/b', 'e/b']);
    linkSync(`${directory}/a`, `${directory}/same`);
    const tree = new DirectoryTree(directory, { asRoot: true });
    const entry = tree.entry('a');
    assert.ok(entry !== undefined);
    assert.equal(await tree.contentHash(entry), 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb');
    assert.equal(tree.entry('same')?.identity, entry.identity);
    utimesSync(`${directory}/a`, 1, 1);
    await assert.rejects(async () => {
      for await (const _ of tree.read(entry));
    }, /"a" changed while it was read/);
    const inside = tree.entry('d/b');
    assert.ok(inside !== undefined);
    renameSync(`${directory}/d`, `${directory}/d2`);
    symlinkSync('e', `${directory}/d`);
    await assert.rejects(tree.contentHash(inside), /"d\/b" changed while it was read/);
    rmSync(`${directory}/d`);
  }));

test('entryDigest() changes with everything but the time', () =>
  withDirectory((directory) => {
    make(directory, ['a']);
    const entry = new DirectoryTree(directory, { asRoot: true }).entry('a');
    assert.ok(entry !== undefined);
    const digest = entryDigest(entry, 'x');
    assert.equal(entryDigest({ ...entry, mtimeNs: 5n }, 'x'), digest);
    for (const other of [{ mode: 0o600 }, { uid: 1 }, { gid: 1 }, { linkName: 'x' }, { type: 'fifo' as const }]) {
      assert.notEqual(entryDigest({ ...entry, ...other }, 'x'), digest);
    }
    assert.notEqual(entryDigest(entry, 'y'), digest);
  }));

test('parseChmod() takes octal and symbolic modes', () => {
  const results = ['755', '4711', 'u=rwX,go=rX', 'a+x', '+x', 'go-w', 'g=u', 'u+s,o+t', 'a=', 'u=rw-r'].map((text) => {
    const chmod = parseChmod(text);
    return [chmod(0o664, false).toString(8), chmod(0o775, true).toString(8)].join(' ');
  });
  assert.deepEqual(results, [
    ...['755 755', '4711 4711', '644 755', '775 775', '775 775', '644 755', '664 775', '5664 5775', '0 0', '264 275'],
  ]);
  for (const text of ['10000', '8', 'u+q', '', '0644x']) assert.throws(() => parseChmod(text), /--chmod is/, text);
});
