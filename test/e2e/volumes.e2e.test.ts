import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VolumeDetail, VolumeSummary } from '../../src/daemon/api.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { run } from '../helpers/run.ts';

async function inspect(project: Project, name: string): Promise<VolumeDetail> {
  const [volume] = JSON.parse(await project.expect(0, 'volume', 'inspect', name)) as VolumeDetail[];
  assert.ok(volume);
  return volume;
}

e2e('volume commands: users and size, a backup and its return, and no removal of what is used', async (project) => {
  project.write(`services:
  web:
    command: [sh, -c, 'head -c 300000 /dev/zero > /data/zeros; echo one > /data/file; exec sleep infinity']
    volumes: ['data:/data', '/cache']
volumes:
  data: {labels: {tier: db}}
`);
  await project.expect(0, 'up', '-d', '--wait');
  const name = `${project.name}_data`;
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'until [ -s /data/file ]; do sleep 0.05; done');
  const volume = await inspect(project, name);
  assert.deepEqual(volume.labels, { tier: 'db' });
  assert.deepEqual(
    volume.users.map(({ service, target, running }) => [service, target, running]),
    [['web', '/data', true]],
  );
  assert.ok((volume.sizeBytes ?? 0) >= 300_000);
  const own = JSON.parse(await project.expect(0, 'volumes', '--json')) as VolumeSummary[];
  assert.deepEqual(
    own.map(({ anonymous }) => anonymous),
    [false, true],
  );
  const refused = await project.tsstack(['volume', 'rm', name]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, new RegExp(`in use by ${project.name}\\.web\\.1`));

  const archive = join(project.scratch, 'data.tar');
  await project.expect(0, 'volume', 'export', name, '-o', archive);
  await project.expect(1, 'volume', 'import', name, archive);
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'rm /data/zeros; echo two > /data/file; echo kept > /data/new');
  await project.expect(0, 'stop', '-t', '1');
  await project.expect(0, 'volume', 'import', name, archive);
  const text = (file: string): string => readFileSync(join(volume.mountpoint, file), 'utf8');
  assert.deepEqual([text('file'), text('new'), text('zeros').length], ['one\n', 'kept\n', 300_000]);

  await project.expect(0, 'down', '-t', '1');
  assert.ok(existsSync(volume.mountpoint), 'down keeps volumes');
  await project.expect(0, 'volume', 'rm', name);
  assert.ok(!existsSync(volume.mountpoint));
});

e2e('external: true needs a volume that is there, uses it, and never removes it', async (project) => {
  const name = `${project.name}-shared`;
  project.write(`services:
  web: {command: [sh, -c, 'echo text > /data/file; exec sleep infinity'], volumes: ['shared:/data']}
volumes:
  shared: {external: true, name: ${name}}
`);
  const missing = await project.tsstack(['up', '-d']);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, new RegExp(`External volume "${name}" was not found`));
  await project.expect(0, 'volume', 'create', name);
  try {
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'exec', 'web', 'sh', '-c', 'until [ -s /data/file ]; do sleep 0.05; done');
    await project.expect(0, 'down', '-v', '-t', '1');
    assert.equal(readFileSync(join((await inspect(project, name)).mountpoint, 'file'), 'utf8'), 'text\n');
  } finally {
    await project.expect(0, 'volume', 'rm', name);
  }
});

e2e(
  'driver_opts: mounts are made, mended when lost, taken away by down, and a bind keeps its data',
  async (project) => {
    const source = join(project.scratch, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'text');
    project.write(`services:
  web:
    command: [sh, -c, 'stat -f -c %b:%S /cache; stat -c %u /cache; exec sleep infinity']
    volumes: ['site:/site', 'cache:/cache']
volumes:
  site: {driver_opts: {type: none, o: bind, device: ${source}}}
  cache: {driver_opts: {type: tmpfs, o: 'size=65536,uid=1234'}}
`);
    await project.expect(0, 'up', '-d');
    assert.equal(await project.expect(0, 'exec', 'web', 'cat', '/site/file'), 'text');
    assert.match(await project.expect(0, 'logs', 'web'), /16:4096\n.*1234/);
    await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo written > /site/new');
    assert.equal(readFileSync(join(source, 'new'), 'utf8'), 'written\n');

    const { mountpoint } = await inspect(project, `${project.name}_site`);
    assert.equal((await run(['umount', mountpoint])).status, 0);
    const plan = await project.tsstack(['plan', '--check']);
    assert.equal(plan.status, 3);
    assert.match(plan.stdout, /volume\.site +not mounted/);
    await project.expect(0, 'up', '-d');
    assert.ok(existsSync(join(mountpoint, 'file')));
    await project.expect(0, 'plan', '--check');

    await project.expect(0, 'stop', '-t', '1');
    assert.equal((await run(['umount', mountpoint])).status, 0);
    await project.expect(0, 'start');
    assert.equal(await project.expect(0, 'exec', 'web', 'cat', '/site/file'), 'text');

    await project.expect(0, 'down', '-t', '1');
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(`/volumes/${project.name}_`));
    await project.expect(0, 'up', '-d');
    assert.equal(await project.expect(0, 'exec', 'web', 'cat', '/site/file'), 'text');
    await project.expect(0, 'down', '-v', '-t', '1');
    assert.equal(readFileSync(join(source, 'file'), 'utf8'), 'text');
  },
);

e2e('anonymous volumes are kept across a replace, and with -V begin empty', async (project) => {
  const stack = (value: string): string => `services:
  web:
    command: [sleep, infinity]
    environment: {VALUE: '${value}'}
    volumes: ['/data']
`;
  project.write(stack('1'));
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo kept > /data/file');
  project.write(stack('2'));
  await project.expect(0, 'up', '-d');
  assert.notEqual((await project.container('web')).pid, pid);
  assert.equal(await project.expect(0, 'exec', 'web', 'cat', '/data/file'), 'kept\n');
  await project.expect(0, 'up', '-d', '-V');
  assert.equal(await project.expect(0, 'exec', 'web', 'cat', '/data/file'), 'kept\n', 'only what is replaced');
  project.write(stack('3'));
  await project.expect(0, 'up', '-d', '-V');
  assert.equal(await project.expect(0, 'exec', 'web', 'ls', '-A', '/data'), '');
});
