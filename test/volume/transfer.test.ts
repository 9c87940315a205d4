import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import { volumeData } from '../../src/store/paths.ts';
import { exportArguments, importArguments } from '../../src/volume/volume.ts';

interface Fixture {
  readonly root: string;
  readonly paths: { readonly state: string; readonly run: string };
  /** Data directory of a volume, made empty. */
  readonly data: (name: string) => string;
  readonly exported: (name: string) => Buffer;
  readonly imported: (name: string, archive: Buffer) => { readonly status: number | null; readonly stderr: string };
}

function withVolumes(body: (fixture: Fixture) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const root = mkdtempSync(`${tmpdir()}/tsstack-transfer-`);
    const paths = { state: `${root}/state`, run: `${root}/run` };
    const perform = ([program = '', ...args]: readonly string[], input?: Buffer) =>
      spawnSync(program, args, { input, maxBuffer: 1e8, timeout: 30_000 });
    try {
      await body({
        root,
        paths,
        data: (name) => {
          mkdirSync(volumeData(paths, name), { recursive: true });
          return volumeData(paths, name);
        },
        exported: (name) => {
          const { status, stdout, stderr } = perform(exportArguments(paths, name));
          assert.equal(status, 0, stderr.toString());
          return stdout;
        },
        imported: (name, archive) => {
          const { status, stderr } = perform(importArguments(paths, name), archive);
          return { status, stderr: stderr.toString() };
        },
      });
    } finally {
      rmSync(root, { recursive: true });
    }
  };
}

test(
  'a volume that was exported and imported has the same modes, times, links and attributes',
  withVolumes(({ data, exported, imported }) => {
    const from = data('from');
    const to = data('to');
    chmodSync(from, 0o2750);
    writeFileSync(`${from}/file`, 'text');
    chmodSync(`${from}/file`, 0o4751);
    utimesSync(`${from}/file`, 1_000_000, 1_000_000);
    linkSync(`${from}/file`, `${from}/same`);
    symlinkSync('/etc/passwd', `${from}/link`);
    mkdirSync(`${from}/empty`);
    const attribute = spawnSync('setfattr', ['-n', 'user.tsstack', '-v', 'kept', `${from}/file`]).status === 0;
    const { status, stderr } = imported('to', exported('from'));
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(to), ['empty', 'file', 'link', 'same']);
    assert.equal(statSync(to).mode & 0o7777, 0o2750);
    assert.equal(statSync(`${to}/file`).mode & 0o7777, 0o4751);
    assert.equal(statSync(`${to}/file`).mtimeMs, 1_000_000_000);
    assert.equal(statSync(`${to}/file`).ino, statSync(`${to}/same`).ino);
    assert.equal(readlinkSync(`${to}/link`), '/etc/passwd');
    if (attribute) {
      const shown = spawnSync('getfattr', ['--only-values', '-n', 'user.tsstack', `${to}/file`], { encoding: 'utf8' });
      assert.equal(shown.stdout, 'kept');
    }
  }),
);

test(
  'owners are kept as numbers',
  { skip: process.getuid?.() === 0 ? false : 'not root' },
  withVolumes(({ data, exported, imported }) => {
    const from = data('from');
    writeFileSync(`${from}/file`, '');
    spawnSync('chown', ['12345:54321', `${from}/file`]);
    const to = data('to');
    assert.equal(imported('to', exported('from')).status, 0);
    assert.deepEqual([statSync(`${to}/file`).uid, statSync(`${to}/file`).gid], [12345, 54321]);
  }),
);

test(
  'an import adds to what is in the volume, keeps the rest and leaves nothing beside it',
  withVolumes(({ data, exported, imported, paths }) => {
    writeFileSync(`${data('from')}/new`, 'new');
    const to = data('to');
    writeFileSync(`${to}/old`, 'old');
    mkdirSync(`${paths.state}/volumes/to/import-killed/data`, { recursive: true });
    assert.equal(imported('to', exported('from')).status, 0);
    assert.deepEqual(readdirSync(to), ['new', 'old']);
    assert.deepEqual(readdirSync(`${paths.state}/volumes/to`), ['data']);
  }),
);

test(
  'an archive cannot lead out by its names or by links in it',
  withVolumes(async ({ root, data, imported, paths }) => {
    const to = data('to');
    mkdirSync(`${root}/outside`);
    writeFileSync(`${root}/outside/secret`, 'kept');
    const archive = pack();
    archive.entry({ name: '../../../../outside/up' }, 'x');
    archive.entry({ name: `${root}/outside/absolute` }, 'x');
    archive.entry({ name: 'way', type: 'symlink', linkname: `${root}/outside` });
    archive.entry({ name: 'way/through' }, 'x');
    archive.entry({ name: 'hard', type: 'link', linkname: `${root}/outside/secret` });
    archive.entry({ name: 'hard' }, 'overwritten');
    archive.finalize();
    imported('to', await bytesOf(archive));
    assert.deepEqual(readdirSync(`${root}/outside`), ['secret']);
    assert.equal(readFileSync(`${root}/outside/secret`, 'utf8'), 'kept');
    assert.deepEqual(readdirSync(`${paths.state}/volumes/to`), ['data']);
    assert.ok(existsSync(to));
  }),
);

test(
  'links that are in the volume are replaced or refused, never followed',
  withVolumes(async ({ root, data, imported }) => {
    const to = data('to');
    mkdirSync(`${root}/outside`);
    writeFileSync(`${root}/outside/file`, 'kept');
    symlinkSync(`${root}/outside/file`, `${to}/file`);
    symlinkSync(`${root}/outside`, `${to}/directory`);
    const archive = pack();
    archive.entry({ name: 'file' }, 'new');
    archive.entry({ name: 'directory/inside' }, 'new');
    archive.finalize();
    const { status, stderr } = imported('to', await bytesOf(archive));
    assert.notEqual(status, 0);
    assert.match(stderr, /directory/);
    assert.equal(readFileSync(`${root}/outside/file`, 'utf8'), 'kept');
    assert.deepEqual(readdirSync(`${root}/outside`), ['file']);
    assert.ok(lstatSync(`${to}/file`).isFile());
  }),
);

test(
  'what is no archive changes nothing',
  withVolumes(({ data, imported, paths }) => {
    const to = data('to');
    writeFileSync(`${to}/old`, 'old');
    const { status, stderr } = imported('to', Buffer.from('no tar archive'.repeat(100)));
    assert.notEqual(status, 0);
    assert.match(stderr, /tar/);
    assert.deepEqual(readdirSync(to), ['old']);
    assert.deepEqual(readdirSync(`${paths.state}/volumes/to`), ['data']);
  }),
);

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
