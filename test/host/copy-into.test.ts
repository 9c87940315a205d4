import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyInto } from '../../src/host/copy-into.ts';

function withDirectories(run: (root: string, outside: string, source: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'copy-'));
  const [root, outside, source] = [join(directory, 'root'), join(directory, 'outside'), join(directory, 'source')];
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(source, 'new', { mode: 0o755 });
  try {
    run(root, outside, source);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('copyInto() makes missing directories and replaces content', () => {
  withDirectories((root, _outside, source) => {
    copyInto(root, '/app/src/file', source);
    writeFileSync(source, 'newer');
    copyInto(root, '/app/src/file', source);
    assert.equal(readFileSync(`${root}/app/src/file`, 'utf8'), 'newer');
    copyInto(root, '/app/src/file', undefined);
    assert.equal(existsSync(`${root}/app/src/file`), false);
  });
});

test('copyInto() never goes through a directory that is a link', () => {
  withDirectories((root, outside, source) => {
    symlinkSync(outside, `${root}/app`);
    assert.throws(() => copyInto(root, '/app/file', source));
    assert.equal(existsSync(`${outside}/file`), false);
  });
});

test('copyInto() replaces a link by the file instead of writing through it', () => {
  withDirectories((root, outside, source) => {
    writeFileSync(`${outside}/victim`, 'old');
    symlinkSync(`${outside}/victim`, `${root}/file`);
    copyInto(root, '/file', source);
    assert.equal(readFileSync(`${outside}/victim`, 'utf8'), 'old');
    assert.equal(readFileSync(`${root}/file`, 'utf8'), 'new');
  });
});

test('copyInto() refuses a target with ..', () => {
  withDirectories((root, _outside, source) => {
    assert.throws(() => copyInto(root, '/../file', source), /no path of a file/);
  });
});

test('copyInto() neither opens a pipe nor writes to a device: a file takes its place', () => {
  withDirectories((root, _outside, source) => {
    // Opened for writing, a pipe without a reader waits for ever.
    assert.equal(spawnSync('mkfifo', [`${root}/pipe`]).status, 0);
    copyInto(root, '/pipe', source);
    assert.equal(readFileSync(`${root}/pipe`, 'utf8'), 'new');
    assert.equal(statSync(`${root}/pipe`).mode & 0o777, 0o755);
  });
});

test('copyInto() keeps the inode of a file, and replaces a program that runs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'copy-'));
  const [source, program] = [join(directory, 'source'), join(directory, 'program')];
  writeFileSync(source, 'new');
  writeFileSync(program, 'old');
  try {
    const { ino } = statSync(program);
    copyInto(directory, '/program', source);
    assert.equal(statSync(program).ino, ino);
    copyFileSync('/bin/sleep', program);
    chmodSync(program, 0o755);
    const child = spawn(program, ['infinity']);
    await once(child, 'spawn');
    try {
      copyInto(directory, '/program', source);
    } finally {
      child.kill('SIGKILL');
    }
    assert.equal(readFileSync(program, 'utf8'), 'new');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('copyInto() has nothing to remove where the directory is not there', () => {
  withDirectories((root) => {
    copyInto(root, '/no/such/file', undefined);
    assert.equal(existsSync(`${root}/no`), false);
  });
});
