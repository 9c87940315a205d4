import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { deleteVolume, inspectVolume, listVolumes, makeVolume, transferVolume } from '../../src/engine/volumes.ts';
import type { VolumeSpec } from '../../src/model/container.ts';
import { volumeData } from '../../src/store/paths.ts';
import { record, spec } from '../helpers/steps.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';

function addVolume({ engine }: TestEngine, name: string, changes: Partial<VolumeSpec> = {}): void {
  const volume = { stack: 'demo', key: name, name, driver: 'local', driverOptions: {}, labels: {}, ...changes };
  engine.machine.records.volumes.put(volume);
}

/** A stopped container that mounts the volume. */
function addUser({ engine }: TestEngine, stack: string, service: string, volume: string): void {
  const key = { stack, service, index: 1 };
  const mount = { type: 'volume', source: volume, target: '/data', readOnly: true, nocopy: false } as const;
  engine.machine.records.containers.put(record(spec(service, { key, name: `${stack}-${service}-1`, mounts: [mount] })));
}

test('listVolumes() says who uses a volume, and of a stack shows also what it uses of others', () =>
  withEngine(async (machine) => {
    addVolume(machine, 'own', { labels: { tier: 'db' } });
    addVolume(machine, 'foreign', { stack: 'other' });
    addVolume(machine, 'unrelated', { stack: 'other' });
    addVolume(machine, 'demo_web_1_0123', { key: '' });
    addUser(machine, 'demo', 'web', 'foreign');
    const all = listVolumes(machine.engine);
    assert.deepEqual(
      all.map(({ name }) => name),
      ['demo_web_1_0123', 'foreign', 'own', 'unrelated'],
    );
    assert.deepEqual(
      all.map(({ anonymous }) => anonymous),
      [true, false, false, false],
    );
    assert.deepEqual(all[1]?.users, [
      {
        stack: 'demo',
        service: 'web',
        index: 1,
        name: 'demo-web-1',
        target: '/data',
        readOnly: true,
        running: false,
      },
    ]);
    assert.deepEqual(all[2]?.labels, { tier: 'db' });
    assert.deepEqual(
      listVolumes(machine.engine, 'demo').map(({ name }) => name),
      ['demo_web_1_0123', 'foreign', 'own'],
    );
  }));

test('inspectVolume() measures what is in it', () =>
  withEngine(async (machine) => {
    addVolume(machine, 'own');
    mkdirSync(volumeData(machine.paths, 'own'), { recursive: true });
    writeFileSync(`${volumeData(machine.paths, 'own')}/file`, Buffer.alloc(1_000_000, 1));
    const { sizeBytes = 0, mountpoint } = await inspectVolume(machine.engine, 'own');
    assert.ok(sizeBytes >= 1_000_000 && sizeBytes < 1_100_000, `${sizeBytes}`);
    assert.equal(mountpoint, volumeData(machine.paths, 'own'));
    await assert.rejects(inspectVolume(machine.engine, 'none'), { code: 'not-found' });
  }));

test('deleteVolume() refuses what a stopped container of any stack mounts, and names it', () =>
  withEngine(async (machine) => {
    addVolume(machine, 'own');
    addUser(machine, 'other', 'db', 'own');
    await assert.rejects(deleteVolume(machine.engine, 'own'), {
      code: 'conflict',
      message: 'Volume "own" is in use by other.db.1',
      hint: /tsstack -p other down/,
    });
    assert.ok(!machine.host.take().some(({ op }) => op === 'remove'));
    assert.ok(machine.engine.machine.records.volumes.get('own'));
  }));

test('deleteVolume() removes the directory and the record of one that nobody uses', () =>
  withEngine(async (machine) => {
    addVolume(machine, 'own');
    await deleteVolume(machine.engine, 'own');
    assert.ok(machine.host.take().some((op) => op.op === 'remove' && op.path.endsWith('/volumes/own')));
    assert.equal(machine.engine.machine.records.volumes.get('own'), undefined);
    await assert.rejects(deleteVolume(machine.engine, 'own'), { code: 'not-found' });
  }));

test('makeVolume() makes one of no stack, once, and under a name that is one', () =>
  withEngine(async ({ engine }) => {
    const wanted = { name: 'shared', labels: { a: 'b' }, driverOptions: {} };
    const made = await makeVolume(engine, wanted);
    assert.deepEqual([made.stack, made.anonymous, made.labels], ['', false, { a: 'b' }]);
    await assert.rejects(makeVolume(engine, wanted), { code: 'conflict' });
    for (const name of ['..', 'a/b', '', '.hidden', '-f']) {
      await assert.rejects(makeVolume(engine, { ...wanted, name }), { code: 'usage' });
    }
  }));

test('transferVolume() imports into what stopped containers mount, and knows what there is', () =>
  withEngine(async (machine) => {
    addVolume(machine, 'own');
    addUser(machine, 'demo', 'web', 'own');
    assert.equal((await transferVolume(machine.engine, 'own', 'import'))[0], 'sh');
    assert.equal((await transferVolume(machine.engine, 'own', 'export'))[0], 'tar');
    await assert.rejects(transferVolume(machine.engine, '../own', 'export'), { code: 'not-found' });
  }));
