import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  fileStat,
  listDirectory,
  makeDirectory,
  readLinkTarget,
  readWholeFile,
  removeEmptyDirectory,
  writeInPlace,
  writeWholeFile,
} from '../../src/host/files.ts';
import { until } from '../helpers/run.ts';

async function inDirectory(run: (directory: string) => void | Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'files-'));
  try {
    await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('makeDirectory() gives what it makes its mode, whatever the umask, and leaves the mode of what is there', () =>
  inDirectory((directory) => {
    const previous = process.umask(0o077);
    try {
      makeDirectory(`${directory}/made`, 0o755);
      makeDirectory(`${directory}/made`, 0o700);
    } finally {
      process.umask(previous);
    }
    assert.equal(statSync(`${directory}/made`).mode & 0o777, 0o755);
  }));

test('writeWholeFile() replaces: who has the old file open still has the old content, and no other name is left', () =>
  inDirectory((directory) => {
    const path = `${directory}/file`;
    writeWholeFile(path, 'old', 0o600);
    const { ino } = statSync(path);
    // As a crash in the middle leaves it.
    writeFileSync(`${path}.new`, 'half');
    writeWholeFile(path, 'new', 0o640);
    assert.notEqual(statSync(path).ino, ino);
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.deepEqual(readdirSync(directory), ['file']);
  }));

test('writeInPlace() keeps the inode, shortens, and makes no file', () =>
  inDirectory((directory) => {
    const path = `${directory}/file`;
    writeFileSync(path, 'something long');
    const { ino } = statSync(path);
    writeInPlace(path, 'short', false);
    assert.equal(readFileSync(path, 'utf8'), 'short');
    assert.equal(statSync(path).ino, ino);
    assert.throws(() => writeInPlace(`${directory}/absent`, 'x', false), { code: 'ENOENT' });
    writeInPlace(`${directory}/absent`, 'x', true);
    assert.equal(existsSync(`${directory}/absent`), false);
  }));

test('removeEmptyDirectory() never removes a file', () =>
  inDirectory((directory) => {
    mkdirSync(`${directory}/a/b`, { recursive: true });
    writeFileSync(`${directory}/a/file`, '');
    assert.throws(() => removeEmptyDirectory(`${directory}/a`, { tree: true, tolerateNonEmpty: false }), {
      code: 'ENOTEMPTY',
    });
    removeEmptyDirectory(`${directory}/a`, { tree: true, tolerateNonEmpty: true });
    assert.deepEqual(readdirSync(`${directory}/a`), ['file']);
    removeEmptyDirectory(`${directory}/absent`, { tree: true, tolerateNonEmpty: false });
  }));

test('what is not there reads as nothing', () =>
  inDirectory((directory) => {
    writeFileSync(`${directory}/file`, '');
    for (const path of [`${directory}/absent`, `${directory}/file/below`]) {
      assert.equal(readWholeFile(path), undefined);
      assert.deepEqual(listDirectory(path), []);
      assert.equal(fileStat(path), undefined);
      assert.equal(readLinkTarget(path), undefined);
    }
    assert.equal(readLinkTarget(`${directory}/file`), undefined);
  }));

test('a path that cannot be, by links in a circle or by a name that is too long, is one where nothing is', () =>
  inDirectory((directory) => {
    symlinkSync('b', `${directory}/a`);
    symlinkSync('a', `${directory}/b`);
    for (const path of [`${directory}/a/x`, `${directory}/${'x'.repeat(300)}`, `${directory}/${'x/'.repeat(3_000)}`]) {
      assert.equal(fileStat(path), undefined);
      assert.equal(readLinkTarget(path), undefined);
    }
  }));

test('mounts of a process that has ended and was not reaped are absent, as those of one that is gone', async () => {
  // Who becomes the second sleep waits for nobody.
  const child = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const pid = String(await once(child.stdout, 'data')).trim();
    await until('it to end', () => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    assert.equal(readWholeFile(`/proc/${pid}/mountinfo`), undefined);
  } finally {
    child.kill();
  }
});
