import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VolumeDetail, VolumeSummary } from '../../src/daemon/volume-api.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { output, run } from '../helpers/run.ts';

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
    assert.match(plan.stdout, /volume\.site +drift: not mounted/);
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

e2e(
  'mount options: copy-up, nocopy, subpath, tmpfs size and mode, create_host_path and propagation',
  async (project) => {
    const root = join(project.scratch, 'root');
    for (const directory of ['bin', 'seed']) mkdirSync(join(root, directory), { recursive: true });
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    writeFileSync(join(root, 'seed/file'), 'of the image');
    chmodSync(join(root, 'seed'), 0o1770);
    const propagated = join(project.scratch, 'propagated');
    mkdirSync(propagated);
    const bind = (options: string): string => `- {type: bind, source: ./propagated, target: /bind, bind: {${options}}}`;
    const stack = (more: string): string => `services:
  web:
    x-rootfs: ./root
    command: [/bin/busybox, sleep, infinity]
    volumes:
      - full:/seed
      - {type: volume, source: empty, target: /seed2}
      - {type: volume, source: bare, target: /seed/sub, volume: {nocopy: true}}
      - {type: volume, source: parts, target: /part, volume: {subpath: link}}
      - {type: tmpfs, target: /tmpfs, tmpfs: {size: 65536, mode: 0o750}}
      - ./made/by/up:/made
      ${bind('propagation: rslave')}
      ${more}
volumes: {full: {}, empty: {}, bare: {}, parts: {external: true, name: ${project.name}-parts}}
`;
    const parts = `${project.name}-parts`;
    await project.expect(0, 'volume', 'create', parts);
    try {
      // A slave of what is private would be private.
      await output('mount', '--bind', propagated, propagated);
      await output('mount', '--make-shared', propagated);
      const { mountpoint } = await inspect(project, parts);
      mkdirSync(join(mountpoint, 'etc'));
      writeFileSync(join(mountpoint, 'etc/file'), 'of the volume');
      symlinkSync('/etc', join(mountpoint, 'link'));
      project.write(stack('- {type: bind, source: ./missing, target: /missing, bind: {create_host_path: false}}'));
      const refused = await project.tsstack(['up', '-d']);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /bind source .*missing does not exist/);
      assert.ok(!existsSync(join(project.scratch, 'made')), 'nothing is made where there is a conflict');

      project.write(stack(''));
      await project.expect(0, 'up', '-d');
      const busybox = (...words: string[]): Promise<string> =>
        project.expect(0, 'exec', 'web', '/bin/busybox', ...words);
      assert.equal(await busybox('cat', '/seed/file'), 'of the image');
      assert.equal(await busybox('stat', '-c', '%a', '/seed'), '1770\n');
      assert.equal(await busybox('ls', '-A', '/seed/sub'), '');
      assert.equal(await busybox('ls', '-A', '/part'), 'file\n', 'a link does not lead out of the volume');
      assert.match(await busybox('grep', ' /tmpfs ', '/proc/mounts'), /size=64k,mode=750/);
      assert.ok(existsSync(join(project.scratch, 'made/by/up')));
      assert.match(await busybox('grep', ' /bind ', '/proc/self/mountinfo'), / master:\d+ /);
    } finally {
      await run(['umount', propagated]);
      await project.expect(0, 'down', '-v', '-t', '1');
      await project.expect(0, 'volume', 'rm', parts);
    }
  },
  { needs: ['/bin/busybox'] },
);
