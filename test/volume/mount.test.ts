import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVolumeMounted, mountArguments, mountVolume, unmountVolume } from '../../src/volume/mount.ts';
import { createVolume, removeVolume } from '../../src/volume/volume.ts';
import { FakeHost } from '../helpers/fake-machine.ts';

const PATHS = { state: '/state', run: '/run' };
const of = (driverOptions: Record<string, string>) => ({ name: 'v', driverOptions });

const MOUNTS: readonly (readonly [options: Record<string, string>, words: string])[] = [
  [{ type: 'none', o: 'bind', device: '/srv' }, '--internal-only -t none -o bind -- /srv'],
  [{ o: 'bind,ro', device: '/srv' }, '--internal-only -t none -o bind,ro -- /srv'],
  [{ type: 'tmpfs' }, '--internal-only -t tmpfs -- tmpfs'],
  [{ type: 'tmpfs', device: 'x', o: 'size=1m,uid=1000' }, '--internal-only -t tmpfs -o size=1m,uid=1000 -- x'],
  [{ type: 'nfs', o: 'addr=10.0.0.1,rw', device: ':/data' }, '-t nfs -o addr=10.0.0.1,rw -- 10.0.0.1:/data'],
  [{ type: 'nfs4', o: 'addr=fd00::1', device: ':/data' }, '-t nfs4 -o addr=fd00::1 -- [fd00::1]:/data'],
  [{ type: 'nfs', device: 'server:/data' }, '-t nfs -- server:/data'],
  [{ type: 'ext4', device: '/dev/sdb1', o: 'noatime,' }, '--internal-only -t ext4 -o noatime -- /dev/sdb1'],
];

for (const [options, words] of MOUNTS) {
  test(`driver_opts ${JSON.stringify(options)} are: mount ${words}`, () => {
    assert.equal(mountArguments(of(options)).join(' '), words);
  });
}

const WRONG: readonly (readonly [options: Record<string, string>, message: RegExp])[] = [
  [{ type: 'tmpfs', size: '1g' }, /driver_opts\.size/],
  [{ device: '/srv' }, /driver_opts\.type is missing/],
  [{ type: 'none', o: 'bind' }, /driver_opts\.device is missing/],
  [{ type: 'none', o: 'bind', device: './data' }, /no absolute path: "\.\/data"/],
  [{ type: 'fuse', device: 'touch /tmp/x #' }, /driver_opts\.type is not done: "fuse"/],
  [{ type: 'fuse.sshfs', device: 'x' }, /driver_opts\.type is not done/],
  [{ type: '../../tmp/evil', device: 'x' }, /driver_opts\.type is not done/],
  [{ type: 'a,b', device: 'x' }, /driver_opts\.type is not done/],
  [{ type: 'nfs', device: ':/data', o: 'rw' }, /driver_opts\.o has no "addr="/],
];

for (const [options, message] of WRONG) {
  test(`driver_opts ${JSON.stringify(options)} are refused`, () => {
    assert.throws(() => mountVolume(PATHS, of(options)), { code: 'usage', message });
  });
}

test('a volume without driver options runs no program', () => {
  const volume = { stack: 's', key: 'v', driver: 'local', labels: {}, ...of({}) };
  const operations = [...createVolume(PATHS, volume), ...removeVolume(PATHS, volume), ...unmountVolume(PATHS, volume)];
  assert.ok(operations.every(({ op }) => op !== 'run'));
});

test('removeVolume() unmounts before it removes', () => {
  const operations = removeVolume(PATHS, of({ type: 'tmpfs' }));
  assert.deepEqual(
    operations.map(({ op }) => op),
    ['run', 'remove'],
  );
});

test('no program of the host is run for a mount but those that its type needs, nor for taking it away', () => {
  const helps = (options: Record<string, string>): readonly boolean[] =>
    [...mountVolume(PATHS, of(options)), ...unmountVolume(PATHS, of(options))].map(
      (operation) => operation.op === 'run' && !operation.argv.includes('--internal-only'),
    );
  assert.deepEqual(helps({ type: 'none', o: 'bind,uhelper=evil,helper=evil', device: '/srv' }), [false, false]);
  assert.deepEqual(helps({ o: 'bind', device: '/srv' }), [false, false]);
  assert.deepEqual(helps({ type: 'nfs', device: 'server:/data' }), [true, true]);
});

test('isVolumeMounted() sees the mount of this volume only', () => {
  const line = (path: string) => `36 35 98:0 / ${path} rw,noatime shared:1 - tmpfs tmpfs rw\n`;
  const host = new FakeHost({ '/proc/self/mountinfo': line('/state/volumes/v/data') + line('/') });
  assert.ok(isVolumeMounted(host, PATHS, 'v'));
  assert.ok(!isVolumeMounted(host, PATHS, 'w'));
});
