import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HostOp } from '../../src/host/op.ts';
import { renderOperations } from '../../src/host/script.ts';

function runScript(operations: readonly HostOp[]): void {
  const done = spawnSync('sh', ['-eu'], { input: renderOperations(operations), encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
}

test('a rendered script writes the same bytes and modes as the operations say, whatever the names hold', () => {
  const directory = mkdtempSync(join(tmpdir(), 'script-'));
  try {
    const hostile = `${directory}/it's $(touch "x") \n new`;
    const binary = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
    const text = "END\n$HOME `id` 'quoted' \\ back\n";
    runScript([
      { op: 'mkdir', path: hostile, mode: 0o700 },
      { op: 'write-file', path: `${hostile}/binary`, data: binary, mode: 0o755 },
      { op: 'write-file', path: `${hostile}/text`, data: text },
      { op: 'write-in-place', path: `${hostile}/text`, data: `${text}again` },
      { op: 'write-in-place', path: `${hostile}/absent/file`, data: 'x', tolerateAbsent: true },
    ]);
    assert.deepEqual(Uint8Array.from(readFileSync(`${hostile}/binary`)), binary);
    assert.equal(statSync(`${hostile}/binary`).mode & 0o777, 0o755);
    assert.equal(readFileSync(`${hostile}/text`, 'utf8'), `${text}again`);
    assert.equal(statSync(hostile).mode & 0o777, 0o700);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a rendered script makes room for a link only where one is in the way', () => {
  const script = renderOperations([
    { op: 'ip', netns: 'a b', args: ['link', 'add', 'x'], evict: ['link', 'del', 'x'] },
  ]);
  assert.equal(
    script,
    "ip -n 'a b' link add x 2>/dev/null || { ip -n 'a b' link del x 2>/dev/null; ip -n 'a b' link add x; }",
  );
});

test('a rendered script removes trees and empty directories, and does not mind what is absent', () => {
  const directory = mkdtempSync(join(tmpdir(), 'script-'));
  try {
    runScript([
      { op: 'mkdir', path: `${directory}/a/b/c` },
      { op: 'rmdir', path: `${directory}/a`, tree: true },
      { op: 'rmdir', path: `${directory}/never` },
      { op: 'mkdir', path: `${directory}/x/y` },
      { op: 'rmdir', path: `${directory}/x`, tolerateNonEmpty: true },
      { op: 'remove', path: `${directory}/x` },
      { op: 'remove', path: `${directory}/x` },
    ]);
    assert.throws(() => statSync(`${directory}/a`));
    assert.throws(() => statSync(`${directory}/x`));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
