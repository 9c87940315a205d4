import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
