import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { VolumeSpec } from '../../src/model/container.ts';
import { volumeData, volumeDirectory } from '../../src/store/paths.ts';
import { createVolume, removeVolume } from '../../src/volume/volume.ts';
import { simpleHost } from '../helpers/simple-host.ts';

const VOLUME: VolumeSpec = {
  stack: 'demo',
  key: 'data',
  name: 'demo_data',
  driver: 'local',
  driverOptions: {},
  labels: { tier: 'db' },
};

async function withPaths(body: (paths: { state: string; run: string }) => Promise<void>): Promise<void> {
  const state = mkdtempSync(`${tmpdir()}/tsstack-volume-`);
  try {
    await body({ state, run: `${state}/run` });
  } finally {
    rmSync(state, { recursive: true });
  }
}

test('createVolume() makes a data directory that any user of a container may enter, behind one that no host user may', () =>
  withPaths(async (paths) => {
    await simpleHost().perform(createVolume(paths, VOLUME));
    assert.equal(statSync(volumeData(paths, VOLUME.name)).mode & 0o777, 0o755);
    assert.equal(statSync(volumeDirectory(paths, VOLUME.name)).mode & 0o777, 0o700);
  }));

test('createVolume() describes the volume outside its data', () =>
  withPaths(async (paths) => {
    await simpleHost().perform(createVolume(paths, VOLUME));
    assert.deepEqual(JSON.parse(readFileSync(`${volumeDirectory(paths, VOLUME.name)}/volume.json`, 'utf8')), VOLUME);
    assert.deepEqual(readdirSync(volumeData(paths, VOLUME.name)), []);
  }));

test('createVolume() done again keeps the data', () =>
  withPaths(async (paths) => {
    const host = simpleHost();
    await host.perform(createVolume(paths, VOLUME));
    writeFileSync(`${volumeData(paths, VOLUME.name)}/row`, 'kept');
    await host.perform(createVolume(paths, VOLUME));
    assert.equal(readFileSync(`${volumeData(paths, VOLUME.name)}/row`, 'utf8'), 'kept');
  }));

test('createVolume() refuses driver options instead of ignoring them', () => {
  const volume = { ...VOLUME, driverOptions: { type: 'tmpfs', size: '1g' } };
  assert.throws(() => createVolume({ state: '/s', run: '/r' }, volume), {
    code: 'usage',
    message: /driver_opts\.size/,
  });
});

test('createVolume() refuses a driver that is not there', () => {
  assert.throws(() => createVolume({ state: '/s', run: '/r' }, { ...VOLUME, driver: 'rexray' }), {
    code: 'usage',
    message: /"rexray"/,
  });
});

test('removeVolume() leaves nothing, and is fine when there is nothing', () =>
  withPaths(async (paths) => {
    const host = simpleHost();
    await host.perform(createVolume(paths, VOLUME));
    await host.perform(removeVolume(paths, VOLUME));
    await host.perform(removeVolume(paths, VOLUME));
    assert.deepEqual(readdirSync(`${paths.state}/volumes`), []);
  }));
