import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HostOp } from '../../src/host/op.ts';
import { RealHost } from '../../src/host/real-host.ts';
import { renderOperations } from '../../src/host/script.ts';

const skip = process.getuid?.() !== 0 && 'not root';

function mountsOn(path: string): number {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[4] === path).length;
}

test('secrets written at the same time share one tmpfs, which goes with the last directory', { skip }, async () => {
  const base = mkdtempSync(join(tmpdir(), 'secrets-'));
  const root = join(base, 'root');
  const host = new RealHost();
  const write = (name: string) =>
    host.perform([
      {
        op: 'write-secret',
        name: 'token',
        root,
        path: `${root}/${name}/0`,
        data: Buffer.from(name),
        mode: 0o440,
        owner: { uid: 7, gid: 8 },
      },
    ]);
  const remove = (name: string) => host.perform([{ op: 'remove-secrets', root, directory: `${root}/${name}` }]);
  try {
    await Promise.all(['a', 'b', 'c'].map(write));
    assert.equal(mountsOn(root), 1);
    const { uid, gid, mode } = statSync(`${root}/b/0`);
    assert.deepEqual([uid, gid, mode & 0o7777], [7, 8, 0o440]);
    assert.deepEqual([statSync(root).mode & 0o777, statSync(`${root}/b`).mode & 0o777], [0o700, 0o700]);

    await write('a');
    assert.equal(mountsOn(root), 1);
    await Promise.all(['a', 'b'].map(remove));
    assert.equal(readFileSync(`${root}/c/0`, 'utf8'), 'c');
    await remove('c');
    assert.equal(mountsOn(root), 0);
    assert.ok(!existsSync(root));
    await remove('c');

    // Left by who died between making the directory and mounting.
    mkdirSync(root);
    await write('a');
    assert.equal(mountsOn(root), 1);
    await remove('a');
  } finally {
    for (const name of ['a', 'b', 'c']) await remove(name);
    rmdirSync(base);
  }
});

test('a script stops where a secret is missing, goes on when it is there, and removes it', { skip }, async () => {
  const base = mkdtempSync(join(tmpdir(), 'secrets-'));
  const root = join(base, 'root');
  const [directory, path] = [`${root}/a`, `${root}/a/0`];
  const owner = { uid: 7, gid: 8 };
  const write: HostOp = { op: 'write-secret', name: "it's", root, path, data: Buffer.from('x'), mode: 0o440, owner };
  const remove: HostOp = { op: 'remove-secrets', root, directory };
  const sh = (op: HostOp) => spawnSync('sh', ['-eu'], { input: renderOperations([op]), encoding: 'utf8' });
  try {
    const first = sh(write);
    assert.equal(first.status, 1);
    assert.match(first.stderr, /^Put the secret "it's" into .*\/root\/a\/0 and begin again/);
    assert.equal(mountsOn(root), 1);

    writeFileSync(path, 'by hand');
    assert.equal(sh(write).status, 0);
    assert.equal(mountsOn(root), 1);
    const { uid, gid, mode } = statSync(path);
    assert.deepEqual([uid, gid, mode & 0o7777], [7, 8, 0o440]);

    assert.equal(sh(remove).status, 0);
    assert.ok(!existsSync(root));
    assert.equal(sh(remove).status, 0);
  } finally {
    await new RealHost().perform([remove]);
    rmdirSync(base);
  }
});
