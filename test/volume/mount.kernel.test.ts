import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { RealHost } from '../../src/host/real-host.ts';
import { type Paths, volumeData } from '../../src/store/paths.ts';
import { isVolumeMounted, mountVolume, unmountVolume } from '../../src/volume/mount.ts';
import { createVolume, fillMountedVolume, removeVolume } from '../../src/volume/volume.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';
const host = new RealHost();

async function withVolume(
  driverOptions: (directory: string) => Record<string, string>,
  body: (paths: Paths, volume: Parameters<typeof createVolume>[1], directory: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(`${tmpdir()}/tsstack-mount-`);
  mkdirSync(`${directory}/source`);
  const paths = { state: `${directory}/state`, run: `${directory}/run` };
  const options = driverOptions(directory);
  const volume = { stack: 'demo', key: 'v', name: 'demo_v', driver: 'local', driverOptions: options, labels: {} };
  try {
    await body(paths, volume, directory);
  } finally {
    while (spawnSync('umount', ['--', volumeData(paths, 'demo_v')]).status === 0);
    rmSync(directory, { recursive: true });
  }
}

const bind = (directory: string) => ({ type: 'none', o: 'bind', device: `${directory}/source` });

test('a bind volume shows its source, is mounted once however often and at once it is asked for', { skip }, () =>
  withVolume(bind, async (paths, volume, directory) => {
    writeFileSync(`${directory}/source/file`, 'text');
    await host.perform(createVolume(paths, volume));
    const data = volumeData(paths, volume.name);
    assert.equal(readFileSync(`${data}/file`, 'utf8'), 'text');
    await host.perform(unmountVolume(paths, volume));
    assert.ok(!isVolumeMounted(host, paths, volume.name));
    await Promise.all([1, 2, 3, 4].map(() => host.perform(mountVolume(paths, volume))));
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    assert.equal(mounts.filter((line) => line.split(' ')[4] === data).length, 1);
  }),
);

test('removing a bind volume keeps the data of its source', { skip }, () =>
  withVolume(bind, async (paths, volume, directory) => {
    writeFileSync(`${directory}/source/file`, 'text');
    await host.perform(createVolume(paths, volume));
    await host.perform(removeVolume(paths, volume));
    assert.ok(!existsSync(`${paths.state}/volumes/demo_v`));
    assert.equal(readFileSync(`${directory}/source/file`, 'utf8'), 'text');
    await host.perform(removeVolume(paths, volume));
  }),
);

test('an image fills an empty mounted volume, and never one that has something', { skip }, () =>
  withVolume(bind, async (paths, volume, directory) => {
    mkdirSync(`${directory}/image`);
    writeFileSync(`${directory}/image/file`, 'image');
    await host.perform(createVolume(paths, volume));
    await host.perform(fillMountedVolume(paths, 'demo_v', [`${directory}/image`]));
    assert.equal(readFileSync(`${directory}/source/file`, 'utf8'), 'image');
    writeFileSync(`${directory}/source/file`, 'own');
    await host.perform(fillMountedVolume(paths, 'demo_v', [`${directory}/image`]));
    assert.equal(readFileSync(`${directory}/source/file`, 'utf8'), 'own');
  }),
);

test('a tmpfs volume has the size and owner of its options', { skip }, () =>
  withVolume(
    () => ({ type: 'tmpfs', o: 'size=65536,uid=1234,mode=0700' }),
    async (paths, volume) => {
      await host.perform(createVolume(paths, volume));
      const data = volumeData(paths, volume.name);
      assert.deepEqual([statSync(data).uid, statSync(data).mode & 0o777], [1234, 0o700]);
      assert.throws(() => writeFileSync(`${data}/large`, Buffer.alloc(1 << 20)), { code: 'ENOSPC' });
    },
  ),
);

test('a source that is not there fails with what mount says', { skip }, () =>
  withVolume(
    () => ({ type: 'none', o: 'bind', device: '/nonexistent/source' }),
    async (paths, volume) => {
      await assert.rejects(host.perform(createVolume(paths, volume)), /\/nonexistent\/source/);
    },
  ),
);
