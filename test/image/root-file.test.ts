import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { imageDirectories, readRootFile } from '../../src/image/image.ts';
import { withDirectory } from '../helpers/image-builder.ts';
import { simpleHost } from '../helpers/simple-host.ts';

/** A root filesystem of one directory, with a secret of the host beside it. */
async function withRoot(body: (root: string, read: (path: string) => string | undefined) => void): Promise<void> {
  await withDirectory((directory) => {
    const root = `${directory}/root`;
    mkdirSync(`${root}/etc`, { recursive: true });
    writeFileSync(`${directory}/secret`, 'secret');
    const rootfs = { lower: [root], overlays: [{ target: '/usr', lower: [`${directory}/usr`] }] };
    body(root, (path) => readRootFile(simpleHost(), rootfs, `${directory}/layers`, path));
  });
}

test('readRootFile() follows links inside the root only', () =>
  withRoot((root, read) => {
    writeFileSync(`${root}/etc/real`, 'inside');
    symlinkSync('/etc/real', `${root}/etc/absolute`);
    symlinkSync('../../../../etc/real', `${root}/etc/above`);
    symlinkSync(`${root}/../secret`, `${root}/etc/out`);
    symlinkSync('../../secret', `${root}/etc/relative-out`);
    symlinkSync('loop', `${root}/etc/loop`);
    assert.equal(read('/etc/absolute'), 'inside');
    assert.equal(read('/etc/above'), 'inside');
    assert.equal(read('/etc/out'), undefined);
    assert.equal(read('/etc/relative-out'), undefined);
    assert.equal(read('/etc/loop'), undefined);
  }));

test('readRootFile() waits on no FIFO and reads nothing over 1 MiB', () =>
  withRoot((root, read) => {
    execFileSync('mkfifo', [`${root}/etc/passwd`]);
    writeFileSync(`${root}/etc/big`, Buffer.alloc(2 ** 20 + 1));
    assert.equal(read('/etc/passwd'), undefined);
    assert.equal(read('/etc/big'), undefined);
    assert.equal(read('/etc/passwd/x'), undefined);
    assert.equal(read('/etc'), undefined);
  }));

test('readRootFile() looks into the overlay that covers a path, its upper directory first', () =>
  withRoot((root, read) => {
    mkdirSync(`${root}/../usr/lib`, { recursive: true });
    writeFileSync(`${root}/../usr/lib/os-release`, 'lower');
    symlinkSync('../usr/lib/os-release', `${root}/etc/os-release`);
    assert.equal(read('/etc/os-release'), 'lower');
    mkdirSync(`${root}/../layers/overlay-usr/upper/lib`, { recursive: true });
    writeFileSync(`${root}/../layers/overlay-usr/upper/lib/os-release`, 'upper');
    assert.equal(read('/etc/os-release'), 'upper');
  }));

test('imageDirectories() gives the merged directories of an image, through links inside it, not through its upper', () =>
  withDirectory((directory) => {
    for (const path of ['top/data', 'bottom/data', 'bottom/var', 'layers/root/upper/data']) {
      mkdirSync(`${directory}/${path}`, { recursive: true });
    }
    symlinkSync('/data', `${directory}/bottom/var/data`);
    writeFileSync(`${directory}/bottom/file`, '');
    const rootfs = { lower: [`${directory}/top`, `${directory}/bottom`], overlays: [] };
    const at = (path: string) => imageDirectories(simpleHost(), rootfs, path);
    assert.deepEqual(at('/var/data'), [`${directory}/top/data`, `${directory}/bottom/data`]);
    assert.deepEqual(at('/file'), []);
    assert.deepEqual(at('/none'), []);
  }));
