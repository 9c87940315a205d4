import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { copyFiles, copyFromArchive, copyToArchive, type Side } from '../../src/copy/copy.ts';
import { encodeHeader } from '../../src/copy/tar-header.ts';
import { NO_XATTRS } from '../../src/copy/xattrs.ts';

let directory = '';
let notices: string[] = [];
const descriptors: number[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsstack-copy-'));
  notices = [];
  // Two roots beside something that neither may reach.
  for (const name of ['in', 'out', 'beyond']) mkdirSync(join(directory, name));
  writeFileSync(join(directory, 'beyond/secret'), 'beyond');
});

afterEach(() => {
  for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  rmSync(directory, { recursive: true });
});

function side(root: 'in' | 'out', path: string): Side {
  const opened = openSync(join(directory, root), 'r');
  descriptors.push(opened);
  return { root: opened, path, idBase: process.getuid?.() ?? 0 };
}

const OPTIONS = { keepOwners: false, followLink: false, notice: (text: string) => notices.push(text) };

function copy(from: string, to: string, options: Partial<typeof OPTIONS> = {}): Promise<void> {
  return copyFiles(side('in', from), side('out', to), { ...OPTIONS, ...options });
}

function path(name: string): string {
  return join(directory, name);
}

/** An archive of entries that no tar program would make. */
function archive(entries: readonly (Partial<Parameters<typeof encodeHeader>[0]> & { data?: string; name: string })[]) {
  const blocks = entries.map(({ name, data = '', ...entry }) => {
    const given = {
      type: 'file' as const,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: 0,
      size: data.length,
      linkName: '',
      xattrs: NO_XATTRS,
      ...entry,
    };
    const body = Buffer.alloc(Math.ceil(data.length / 512) * 512);
    body.write(data);
    return Buffer.concat([encodeHeader({ ...given, path: [name] }), body]);
  });
  return (async function* () {
    yield Buffer.concat([...blocks, Buffer.alloc(1024)]);
  })();
}

function extract(...args: Parameters<typeof archive>): Promise<void> {
  return copyFromArchive(archive(...args), side('out', '/'), OPTIONS);
}

test('a tree is copied with contents, links as links, modes and times; set-id bits are not', async () => {
  mkdirSync(path('in/tree/empty'), { recursive: true });
  writeFileSync(path('in/tree/run'), 'x'.repeat(600_000), { mode: 0o755 });
  writeFileSync(path('in/tree/set-id'), '');
  execFileSync('chmod', ['6755', path('in/tree/set-id')]);
  symlinkSync('/run', path('in/tree/link'));
  linkSync(path('in/tree/run'), path('in/tree/same'));
  utimesSync(path('in/tree/run'), 1000, 1000);
  utimesSync(path('in/tree'), 2000, 2000);
  await copy('/tree', '/made');
  assert.deepEqual(readdirSync(path('out/made')).sort(), ['empty', 'link', 'run', 'same', 'set-id']);
  assert.equal(readFileSync(path('out/made/same'), 'utf8').length, 600_000);
  assert.equal(readlinkSync(path('out/made/link')), '/run');
  assert.equal(statSync(path('out/made/run')).mode & 0o7777, 0o755);
  assert.equal(statSync(path('out/made/set-id')).mode & 0o7777, 0o755);
  assert.equal(statSync(path('out/made/run')).mtimeMs, 1_000_000);
  assert.equal(statSync(path('out/made')).mtimeMs, 2_000_000);
  assert.deepEqual(notices, []);
});

test('names that are no UTF-8 are the same on the other side', async () => {
  const name = Buffer.from([0x61, 0xff, 0x62]);
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/in/`), name]), 'bytes');
  await copy('/.', '/');
  assert.deepEqual(readdirSync(path('out'), { encoding: 'buffer' }), [name]);
});

test('a link at the end is copied as a link, with followLink as what it leads to, below the root only', async () => {
  writeFileSync(path('in/file'), 'inside');
  mkdirSync(path('in/sub'));
  symlinkSync('/file', path('in/sub/absolute'));
  symlinkSync('/file', path('in/absolute'));
  symlinkSync('../../../../file', path('in/upwards'));
  await copy('/absolute', '/');
  assert.equal(readlinkSync(path('out/absolute')), '/file');
  rmSync(path('out/absolute'));
  await copy('/absolute', '/', { followLink: true });
  await copy('/upwards', '/', { followLink: true });
  await copy('/sub/absolute', '/below', { followLink: true });
  assert.equal(readFileSync(path('out/below'), 'utf8'), 'inside');
  assert.equal(readFileSync(path('out/absolute'), 'utf8'), 'inside');
  assert.equal(readFileSync(path('out/upwards'), 'utf8'), 'inside');
});

test('no link of the source leads out of its root', async () => {
  symlinkSync(path('beyond'), path('in/away'));
  symlinkSync('../beyond', path('in/up'));
  for (const from of ['/away/secret', '/up/secret', '/../beyond/secret']) {
    await assert.rejects(copy(from, '/x'), { message: /no such file/ });
  }
  await assert.rejects(copy('/up', '/x', { followLink: true }), { message: /no such file/ });
  symlinkSync('loop', path('in/loop'));
  await assert.rejects(copy('/loop/x', '/x'), { message: /Too many links/ });
  assert.deepEqual(readdirSync(path('out')), []);
});

test('no link at the destination leads out of its root, and none within a tree is followed', async () => {
  mkdirSync(path('in/tree'));
  writeFileSync(path('in/tree/secret'), 'from inside');
  symlinkSync(path('beyond'), path('out/away'));
  await assert.rejects(copy('/tree/secret', '/away/x'), { message: /no such file/ });
  symlinkSync('../beyond', path('out/tree'));
  await assert.rejects(copy('/tree', '/'), { code: 'conflict' });
  rmSync(path('out/tree'));
  mkdirSync(path('out/tree'));
  symlinkSync(path('beyond/secret'), path('out/tree/secret'));
  await copy('/tree', '/');
  assert.equal(readFileSync(path('out/tree/secret'), 'utf8'), 'from inside');
  assert.ok(lstatSync(path('out/tree/secret')).isFile(), 'the link gave way to the file');
  assert.equal(readFileSync(path('beyond/secret'), 'utf8'), 'beyond');
});

test('a link at the destination is followed inside: to a directory, and to what is not there yet', async () => {
  writeFileSync(path('in/file'), 'x');
  mkdirSync(path('out/real'));
  symlinkSync('/real', path('out/link'));
  symlinkSync('real/new', path('out/dangling'));
  await copy('/file', '/link');
  await copy('/file', '/dangling');
  assert.deepEqual(readdirSync(path('out/real')).sort(), ['file', 'new']);
});

test('a directory and something else do not take the place of each other; a missing parent is an error', async () => {
  mkdirSync(path('in/tree/name'), { recursive: true });
  writeFileSync(path('in/name'), 'x');
  mkdirSync(path('out/tree'));
  writeFileSync(path('out/tree/name'), '');
  await assert.rejects(copy('/tree', '/'), { code: 'conflict', message: /"tree\/name"/ });
  mkdirSync(path('out/name'));
  mkdirSync(path('out/d/name'), { recursive: true });
  await assert.rejects(copy('/name', '/d'), { code: 'conflict', message: /"name"/ });
  await assert.rejects(copy('/name', '/none/name'), { message: /no such file/ });
  await assert.rejects(copy('/name/', '/x'), { message: /not a directory/ });
});

test('what is no file is left out of a tree, and refused by itself', async () => {
  mkdirSync(path('in/tree'));
  execFileSync('mkfifo', [path('in/tree/pipe')]);
  writeFileSync(path('in/tree/file'), '');
  await copy('/tree', '/');
  assert.deepEqual(readdirSync(path('out/tree')), ['file']);
  assert.match(notices.join(), /"tree\/pipe" is left out/);
  await assert.rejects(copy('/tree/pipe', '/x'), { code: 'conflict' });
});

test('a file of nothing but a hole takes no space', async () => {
  writeFileSync(path('in/hole'), '');
  truncateSync(path('in/hole'), 64 * 1024 * 1024);
  await copy('/hole', '/');
  const { size, blocks } = statSync(path('out/hole'));
  assert.equal(size, 64 * 1024 * 1024);
  assert.ok(blocks < 100, `${blocks}`);
});

test("the kernel's file systems are neither read nor written", async () => {
  const root = openSync('/', 'r');
  descriptors.push(root);
  const proc = (name: string): Side => ({ root, path: name, idBase: 0 });
  await assert.rejects(copyFiles(proc('/proc/self/status'), side('out', '/'), OPTIONS), { code: 'conflict' });
  await assert.rejects(copyFiles(proc('/proc/version'), side('out', '/'), OPTIONS), { code: 'conflict' });
  writeFileSync(path('in/file'), '1000');
  await assert.rejects(copyFiles(side('in', '/file'), proc('/proc/self/oom_score_adj'), OPTIONS), { code: 'conflict' });
});

test('an archive is what tar reads, and the other way round, long names included', async () => {
  const long = 'n'.repeat(120);
  mkdirSync(path(`in/tree/${long}/${long}`), { recursive: true });
  writeFileSync(path(`in/tree/${long}/${long}/file`), 'deep');
  symlinkSync(`/${long}`, path('in/tree/link'));
  const pieces: Buffer[] = [];
  await copyToArchive(side('in', '/tree'), async (bytes) => void pieces.push(Buffer.from(bytes)), OPTIONS);
  const bytes = Buffer.concat(pieces);
  execFileSync('tar', ['x', '-C', path('beyond')], { input: bytes });
  assert.equal(readFileSync(path(`beyond/tree/${long}/${long}/file`), 'utf8'), 'deep');
  assert.equal(readlinkSync(path('beyond/tree/link')), `/${long}`);
  const made = execFileSync('tar', ['c', '-C', path('beyond'), 'tree']);
  await copyFromArchive(
    (async function* () {
      yield made;
    })(),
    side('out', '/'),
    OPTIONS,
  );
  assert.equal(readFileSync(path(`out/tree/${long}/${long}/file`), 'utf8'), 'deep');
});

test('hostile archives write nothing outside: `..`, absolute names, links on the way, hard links, devices', async () => {
  await assert.rejects(extract([{ name: '../beyond/new', data: 'x' }]), { message: /with "\.\."/ });
  await extract([{ name: '/beyond', data: 'x' }]);
  assert.equal(readFileSync(path('out/beyond'), 'utf8'), 'x');
  const link = { name: 'link', type: 'symlink' as const, linkName: '../beyond' };
  await assert.rejects(extract([link, { name: 'link/new', data: 'x' }]), { code: 'conflict' });
  await extract([
    { ...link, linkName: '../beyond/new' },
    { name: 'link', data: 'x' },
  ]);
  assert.equal(existsSync(path('beyond/new')), false);
  await extract([link]);
  const hard = { name: 'hard', type: 'link' as const };
  await assert.rejects(extract([{ ...hard, linkName: '../beyond/secret' }]), { message: /with "\.\."/ });
  await assert.rejects(extract([{ ...hard, linkName: 'link/secret' }]), { message: /not a directory|symbolic links/ });
  assert.equal(statSync(path('beyond/secret')).nlink, 1);
  await extract([
    { name: 'a', data: 'one' },
    { ...hard, linkName: 'a' },
  ]);
  assert.equal(readFileSync(path('out/hard'), 'utf8'), 'one');
  const device = execFileSync('tar', ['c', '-C', '/dev', 'null']);
  const stream = (async function* () {
    yield device;
  })();
  await copyFromArchive(stream, side('out', '/'), OPTIONS);
  assert.equal(existsSync(path('out/null')), false);
  assert.match(notices.join(), /"null" is left out/);
});

test('what is no archive, or ends within, is an error; so is a destination that is no directory', async () => {
  const bytes = (text: Buffer) =>
    (async function* () {
      yield text;
    })();
  await assert.rejects(copyFromArchive(bytes(Buffer.alloc(512, 'x')), side('out', '/'), OPTIONS), {
    code: 'command-failed',
    message: /standard input/,
  });
  const cut = encodeHeader({
    path: ['f'],
    type: 'file',
    mode: 0,
    uid: 0,
    gid: 0,
    mtime: 0,
    size: 2 ** 40,
    linkName: '',
    xattrs: NO_XATTRS,
  });
  await assert.rejects(copyFromArchive(bytes(cut), side('out', '/'), OPTIONS), { message: /middle of an entry/ });
  writeFileSync(path('out/file'), '');
  await assert.rejects(extractTo('/file'), { code: 'not-found' });
  await assert.rejects(extractTo('/none'), { code: 'not-found' });
});

function extractTo(to: string): Promise<void> {
  return copyFromArchive(archive([{ name: 'a' }]), side('out', to), OPTIONS);
}

test('a directory that becomes a link and back, again and again, leads no copy astray', async () => {
  mkdirSync(path('in/tree'));
  writeFileSync(path('in/tree/secret'), 'from inside');
  const script = `cd ${path('out')}; mkdir d; while :; do mv d e; ln -s ${path('beyond')} d; rm d; mv e d; done`;
  // Closed by it and the program that it has just started: neither makes anything anew after that.
  const swapper = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = once(swapper.stdout.resume(), 'close');
  try {
    const results = new Set<string>();
    for (let round = 0; round < 300; round += 1) {
      results.add(
        await copy('/tree/.', '/d').then(
          () => 'copied',
          () => 'failed',
        ),
      );
    }
    assert.ok(results.has('copied'));
  } finally {
    swapper.kill('SIGKILL');
    await closed;
  }
  assert.equal(readFileSync(path('beyond/secret'), 'utf8'), 'beyond');
  assert.deepEqual(readdirSync(path('beyond')), ['secret']);
});

test('a directory that is copied into itself, by a mount, does not come again in its own copy', async () => {
  mkdirSync(path('in/tree/sub'), { recursive: true });
  writeFileSync(path('in/tree/file'), 'one');
  writeFileSync(path('in/tree/sub/deep'), 'two');
  // The same directory on both sides, as with a bind mount.
  await copyFiles(side('in', '/tree'), side('in', '/tree'), OPTIONS);
  await copyFiles(side('in', '/tree'), side('in', '/tree/sub'), OPTIONS);
  const files = readdirSync(path('in'), { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  assert.deepEqual(files.map(({ parentPath, name }) => join(parentPath, name).slice(path('in').length)).toSorted(), [
    '/tree/file',
    '/tree/sub/deep',
    '/tree/sub/tree/file',
    '/tree/sub/tree/sub/deep',
    '/tree/sub/tree/tree/file',
    '/tree/sub/tree/tree/sub/deep',
    '/tree/tree/file',
    '/tree/tree/sub/deep',
  ]);
});
