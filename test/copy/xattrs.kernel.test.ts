import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { copyFiles, copyFromArchive, copyToArchive, type Side } from '../../src/copy/copy.ts';

let directory = '';
let notices: string[] = [];
const descriptors: number[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsstack-xattrs-'));
  notices = [];
  for (const name of ['in/tree', 'out', 'tar']) mkdirSync(path(name), { recursive: true });
});

afterEach(() => {
  for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  rmSync(directory, { recursive: true });
});

function path(name: string): string {
  return join(directory, name);
}

function side(root: string, inside: string): Side {
  const opened = openSync(path(root), 'r');
  descriptors.push(opened);
  return { root: opened, path: inside, idBase: 0 };
}

const OPTIONS = { keepOwners: true, followLink: false, notice: (text: string) => void notices.push(text) };

/** All bytes that there are, CAP_NET_RAW as `setcap` writes it. */
const BINARY = `0s${Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('base64')}`;
const CAPABILITY = '0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=';
const ODD_NAME = 'user.a = b\\134%25 \\303\\274\\012c';

function set(name: string, attribute: string, value: string): void {
  const input = `# file: ${path(name)}\n${attribute.replaceAll('=', '\\075')}=${value}\n`;
  execFileSync('setfattr', ['--restore=-'], { input });
}

/** `NAME=VALUE` of all attributes but those of the system, as getfattr writes them. */
function xattrsOf(name: string): readonly string[] {
  const argv = ['--dump', '--encoding=base64', '--absolute-names', '--match=^(user|security|trusted)', path(name)];
  const lines = execFileSync('getfattr', argv, { encoding: 'latin1' }).split('\n').slice(1);
  return lines.filter((line) => line !== '' && !line.startsWith('security.selinux=')).toSorted();
}

function makeTree(): void {
  writeFileSync(path('in/tree/file'), 'content');
  writeFileSync(path('in/tree/plain'), 'plain');
  set('in/tree', 'user.directory', '0sAA==');
  set('in/tree/file', 'user.binary', BINARY);
  set('in/tree/file', 'user.empty', '""');
  set('in/tree/file', ODD_NAME, '0seA==');
  for (const name of ['user.overlay.opaque', 'trusted.overlay.opaque', 'trusted.x', 'security.x']) {
    set('in/tree/file', name, '0seQ==');
  }
  set('in/tree/file', 'security.capability', CAPABILITY);
}

function assertCopied(name: string, { capability }: { readonly capability: boolean }): void {
  const kept = xattrsOf('in/tree/file').filter(
    (line) =>
      (line.startsWith('user.') && !line.startsWith('user.overlay.')) || line.startsWith('security.capability='),
  );
  assert.equal(kept.length, 4);
  assert.ok(kept.includes(`user.binary=${BINARY}`) && kept.includes(`security.capability=${CAPABILITY}`));
  assert.deepEqual(
    xattrsOf(`${name}/file`),
    kept.filter((line) => capability || line.startsWith('user.')),
  );
  assert.deepEqual(xattrsOf(name), ['user.directory=0sAA==']);
  assert.deepEqual(xattrsOf(`${name}/plain`), []);
  assert.equal(readFileSync(`${path(name)}/file`, 'utf8'), 'content');
}

test('user.* is copied byte by byte, file capabilities with owners, and nothing else', async () => {
  makeTree();
  await copyFiles(side('in', '/tree'), side('out', '/kept'), OPTIONS);
  assertCopied('out/kept', { capability: true });
  await copyFiles(side('in', '/tree'), side('out', '/given'), { ...OPTIONS, keepOwners: false });
  assertCopied('out/given', { capability: false });
  assert.deepEqual(notices, []);
});

test('a capability is set after the owner, and a directory that is there keeps its attributes', async () => {
  writeFileSync(path('in/tree/file'), '');
  execFileSync('chown', ['33:44', path('in/tree/file')]);
  set('in/tree/file', 'security.capability', CAPABILITY);
  set('in/tree', 'user.directory', '0sAA==');
  mkdirSync(path('out/tree'));
  await copyFiles(side('in', '/tree'), side('out', '/'), OPTIONS);
  assert.deepEqual(xattrsOf('out/tree/file'), [`security.capability=${CAPABILITY}`]);
  assert.deepEqual(xattrsOf('out/tree'), []);
});

async function archived(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const write = async (bytes: Uint8Array): Promise<void> => void pieces.push(Buffer.from(bytes));
  await copyToArchive(side('in', '/tree'), write, OPTIONS);
  return Buffer.concat(pieces);
}

async function extract(archive: Buffer, to: string, keepOwners: boolean): Promise<void> {
  mkdirSync(path(to));
  const stream = (async function* () {
    yield archive;
  })();
  await copyFromArchive(stream, side(to, '/'), { ...OPTIONS, keepOwners });
}

test('an archive has the attributes, for us and for GNU tar', async () => {
  makeTree();
  const archive = await archived();
  execFileSync('tar', ['x', '--xattrs', '--xattrs-include=*', '-C', path('tar')], { input: archive });
  assertCopied('tar/tree', { capability: true });
  await extract(archive, 'kept', true);
  assertCopied('kept/tree', { capability: true });
  await extract(archive, 'given', false);
  assertCopied('given/tree', { capability: false });
  assert.deepEqual(notices, []);
});

test("of GNU tar's archive the same attributes are set, and no others", async () => {
  makeTree();
  const archive = execFileSync('tar', ['c', '--xattrs', '-C', path('in'), 'tree']);
  assert.match(archive.toString('latin1'), /SCHILY\.xattr\.trusted\.x=/);
  await extract(archive, 'kept', true);
  assertCopied('kept/tree', { capability: true });
});

test('a file system without attributes is one notice, and the files are there', async () => {
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(path(`in/tree/${name}`), name);
    set(`in/tree/${name}`, 'user.x', '0seA==');
  }
  execFileSync('mount', ['-t', 'ramfs', 'none', path('out')]);
  try {
    await copyFiles(side('in', '/tree'), side('out', '/'), OPTIONS);
    assert.deepEqual(readdirSync(path('out/tree')).toSorted(), ['a', 'b', 'c']);
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  } finally {
    execFileSync('umount', [path('out')]);
  }
  assert.equal(notices.length, 1, notices.join('\n'));
  assert.match(notices[0] ?? '', /^Extended attributes of "tree\/[abc]" cannot be set: Operation not supported/);
});

test('with few descriptors many directories come in batches, and no copy goes into itself', () => {
  for (let index = 0; index < 100; index += 1) mkdirSync(path(`in/tree/${index}`));
  for (let index = 0; index < 100; index += 1) set(`in/tree/${index}`, 'user.index', `0s${btoa(String(index))}`);
  // It is read when much of its siblings has been put already.
  const last = readdirSync(path('in/tree')).at(-1);
  const script = `
    import { openSync } from 'node:fs';
    const { copyFiles } = await import(${JSON.stringify(new URL('../../src/copy/copy.ts', import.meta.url))});
    const side = (path) => ({ root: openSync(${JSON.stringify(path('in'))}, 'r'), path, idBase: 0 });
    const notice = (text) => console.log(text);
    await copyFiles(side('/tree'), side('/tree/${last}'), { keepOwners: false, followLink: false, notice });`;
  const argv = ['-c', 'ulimit -n 128; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', script];
  const said = execFileSync('sh', argv, { encoding: 'utf8' });
  assert.equal(said, `"tree/${last}/tree" is left out: it is what this copy has made\n`);
  for (let index = 0; index < 100; index += 1) {
    assert.deepEqual(xattrsOf(`in/tree/${last}/tree/${index}`), [`user.index=0s${btoa(String(index))}`]);
  }
  assert.deepEqual(readdirSync(path(`in/tree/${last}/tree/${last}`)), []);
});
