import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { startOperations } from '../../src/executor/start.ts';
import type { VolumeSpec } from '../../src/model/container.ts';
import type { Mount } from '../../src/model/mounts.ts';
import { type FakeMachine, fakeMachine, PATHS } from '../helpers/fake-machine.ts';
import { record, spec } from '../helpers/steps.ts';

const VOLUME: VolumeSpec = {
  stack: 'demo',
  key: 'data',
  name: 'demo_data',
  driver: 'local',
  driverOptions: {},
  labels: {},
};
const MOUNT = { type: 'volume', source: 'demo_data', target: '/data', readOnly: false, nocopy: false } as const;
const DATA = `${PATHS.state}/volumes/demo_data/data`;
/** There, but empty: what is in it is what the fake host says. */
const ROOT = realpathSync(mkdtempSync(`${tmpdir()}/tsstack-root-`));
const IMAGE = { [`${ROOT}/data/file`]: 'of the image' };

after(() => rmdirSync(ROOT));

/** What is run and made before the launch of a container with this mount. */
async function prepared(machine: FakeMachine, mount: Mount, volume: Partial<VolumeSpec> = {}): Promise<string[]> {
  const image = { source: { type: 'rootfs', path: ROOT } as const, id: `dir:${ROOT}` };
  const web = spec('web', { mounts: [mount], image });
  machine.records.containers.put(record(web));
  machine.records.volumes.put({ ...VOLUME, ...volume });
  const operations = await startOperations(machine.context, web);
  return operations.flatMap((op) =>
    op.op === 'run'
      ? op.argv.join(' ')
      : op.op === 'mkdir' && !op.path.startsWith(PATHS.state)
        ? `mkdir ${op.path}`
        : [],
  );
}

test('an empty volume gets what the image has at its place', async () => {
  const [copy = ''] = await prepared(fakeMachine(IMAGE), MOUNT);
  assert.match(copy, /^unshare --mount .* cp --archive .* sh \/state\/volumes\/demo_data\/data \S+\/data$/s);
});

test('a volume that has something, or says nocopy, or of which a part is mounted, gets nothing', async () => {
  assert.deepEqual(await prepared(fakeMachine({ ...IMAGE, [`${DATA}/row`]: 'own' }), MOUNT), []);
  assert.deepEqual(await prepared(fakeMachine(IMAGE), { ...MOUNT, nocopy: true }), []);
  assert.deepEqual(await prepared(fakeMachine(IMAGE), { ...MOUNT, subpath: 'part' }), []);
});

test('a lost mount is made again before anything looks into the volume, and is filled only if it is empty then', async () => {
  const [mount = '', fill = ''] = await prepared(fakeMachine(IMAGE), MOUNT, { driverOptions: { type: 'tmpfs' } });
  assert.match(mount, /^flock --close .* mount "\$@".* -t tmpfs -- tmpfs$/);
  assert.match(fill, /^sh -c test -n "\$\(ls -A -- "\$1"\)" && exit; .* cp --archive/s);
});

test('a mount that is there is not made again', async () => {
  const mountinfo = `36 35 0:40 / ${DATA} rw - tmpfs tmpfs rw\n`;
  const machine = fakeMachine({ '/proc/self/mountinfo': mountinfo });
  assert.deepEqual(await prepared(machine, MOUNT, { driverOptions: { type: 'tmpfs' } }), []);
});

test('a missing bind source is made, unless create_host_path is false', async () => {
  const bind = { type: 'bind', source: '/srv/data', target: '/data', readOnly: false } as const;
  assert.deepEqual(await prepared(fakeMachine(), { ...bind, createHostPath: true }), ['mkdir /srv/data']);
  assert.deepEqual(await prepared(fakeMachine(), { ...bind, createHostPath: false }), []);
});
