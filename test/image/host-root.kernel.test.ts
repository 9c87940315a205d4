import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { inspectImage, rootFilesystem } from '../../src/image/image.ts';
import { withDirectory } from '../helpers/image-builder.ts';
import { simpleHost } from '../helpers/simple-host.ts';

test('rootFilesystem() of the host holds its programs as overlays and none of its data', () =>
  withDirectory(async (state) => {
    const context = { host: simpleHost(), paths: { state, run: `${state}/run` } };
    const info = await inspectImage(context, { type: 'host' });
    const rootfs = await rootFilesystem(context, { type: 'host' }, info.id);
    assert.ok(rootfs.overlays.some(({ target, lower }) => target === '/usr' && lower[0] === '/usr'));
    const skeleton = rootfs.lower[0] ?? '';
    for (const empty of ['home', 'root', 'srv', 'mnt', 'boot', 'tmp', 'var/log', 'var/lib']) {
      assert.deepEqual(readdirSync(`${skeleton}/${empty}`), [], empty);
    }
    assert.equal(statSync(`${skeleton}/tmp`).mode & 0o7777, 0o1777);
    assert.equal(statSync(`${skeleton}/root`).mode & 0o7777, 0o700);
    assert.ok(!readdirSync(`${skeleton}/etc`).includes('shadow'));
    assert.match(readFileSync(`${skeleton}/etc/passwd`, 'utf8'), /^root:/);
    assert.deepEqual(readdirSync(`${state}/images/staging`), []);
    assert.deepEqual(await rootFilesystem(context, { type: 'host' }, info.id), rootfs);
  }));

test('a program of the host runs in the root filesystem of the host, and finds no secret in it', () =>
  withDirectory(async (state) => {
    const context = { host: simpleHost(), paths: { state, run: `${state}/run` } };
    const rootfs = await rootFilesystem(context, { type: 'host' }, 'host');
    const script = `set -e
      mkdir "$1/root" "$1/layers"
      mount -t tmpfs tmpfs "$1/layers"
      over() { mkdir "$1/upper" "$1/work"; mount -t overlay -o "lowerdir=$3,upperdir=$1/upper,workdir=$1/work" none "$2"; }
      mkdir "$1/layers/root"; over "$1/layers/root" "$1/root" "$2"
      shift 2
      for target; do mkdir "$state/layers/x$target" -p; over "$state/layers/x$target" "$state/root$target" "$target"; done
      chroot "$state/root" /bin/sh -c 'id -un; touch /usr/written; test ! -e /etc/shadow; test ! -e /home/*; ls /etc/passwd'
    `;
    const targets = rootfs.overlays.map(({ target }) => target);
    const argv = ['-m', 'sh', '-c', script, 'sh', state, rootfs.lower[0] ?? '', ...targets];
    const output = execFileSync('unshare', argv, { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', state } });
    assert.equal(output, 'root\n/etc/passwd\n');
  }));
