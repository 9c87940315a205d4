import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { treeHasher } from '../../src/host/tree-hash.ts';

test('a hash changes with names, contents, modes and links below, and with nothing else', () => {
  const root = mkdtempSync(join(tmpdir(), 'tsstack-tree-'));
  try {
    const now = () => treeHasher()(root);
    mkdirSync(join(root, 'sub'));
    writeFileSync(join(root, 'sub/a'), 'one');
    symlinkSync('/nowhere', join(root, 'link'));
    const first = now();
    assert.match(first ?? '', /^sha256:[0-9a-f]{64}$/);
    utimesSync(join(root, 'sub/a'), 1, 1);
    assert.equal(now(), first, 'not with times');
    const seen = new Set([first]);
    for (const change of [
      () => writeFileSync(join(root, 'sub/a'), 'two'),
      () => chmodSync(join(root, 'sub/a'), 0o600),
      () => writeFileSync(join(root, 'sub/b'), ''),
      () => {
        rmSync(join(root, 'link'));
        symlinkSync('/elsewhere', join(root, 'link'));
      },
    ]) {
      change();
      const hash = now();
      assert.ok(!seen.has(hash), `${change}`);
      seen.add(hash);
    }
    // Too large to be read: by size and time.
    writeFileSync(join(root, 'large'), '');
    truncateSync(join(root, 'large'), 2 ** 40);
    const large = now();
    utimesSync(join(root, 'large'), 1, 1);
    assert.notEqual(now(), large);
    assert.equal(treeHasher()(join(root, 'sub/a')), treeHasher()(join(root, 'sub/a')), 'a single file');
    assert.equal(treeHasher()(join(root, 'absent')), undefined);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
