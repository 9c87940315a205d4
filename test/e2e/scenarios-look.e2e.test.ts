import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { e2e } from '../helpers/e2e.ts';

// What Compose's own end-to-end suite shows of ps, export and config; docs/scenarios.md has its table.

const SLEEP = 'command: [sleep, infinity]';

e2e('TestPsHonorsPsFormat: psFormat of the Docker configuration counts where no --format is given', async (project) => {
  project.write(`services: {web: {${SLEEP}, stop_grace_period: 0s}}\n`);
  mkdirSync(join(project.scratch, '.docker'));
  const configure = (psFormat: string) => project.write(JSON.stringify({ psFormat }), '.docker/config.json');
  project.env['HOME'] = project.scratch;
  await project.expect(0, 'up', '-d');
  const name = (await project.container('web')).name;
  configure('table {{.Name}}');
  assert.equal(await project.expect(0, 'ps'), `NAME\n${name}\n`);
  assert.match(await project.expect(0, 'ps', '--format', 'table'), /^NAME +IMAGE +COMMAND/);
  assert.equal(await project.expect(0, 'ps', '-q'), `${name}\n`);
  configure('json');
  assert.equal(JSON.parse(await project.expect(0, 'ps'))[0].name, name);
  configure('{{.Secret}}');
  const wrong = await project.tsstack(['ps']);
  assert.match(wrong.stdout, /^NAME +IMAGE/);
  assert.match(wrong.stderr, /psFormat of the Docker configuration is left out.*\{\{\.Secret\}\} is not known/);
  const given = await project.tsstack(['ps', '--format', '{{.Service}}={{upper .State}} {{json .Name}}']);
  assert.equal(given.stdout, `web=RUNNING "${name}"\n`);
  assert.match(
    await project.expect(0, 'ps', '--format', 'table {{.ID}}\\t{{.Status}}'),
    /^ID +STATUS\n[0-9a-f]{12} +Up .*\n$/,
  );
  await project.expect(2, 'ps', '--format', '{{range .}}');
});

e2e(
  'TestExport, TestExportWithReplicas: export writes the files of a container, of one replica, also when it has ended',
  async (project) => {
    // An image of one program: the archive of the host's whole system takes a minute.
    for (const directory of ['bin', 'data', 'srv'])
      mkdirSync(join(project.scratch, 'root', directory), { recursive: true });
    copyFileSync('/bin/busybox', join(project.scratch, 'root/bin/busybox'));
    for (const name of ['sh', 'sleep']) symlinkSync('busybox', join(project.scratch, 'root/bin', name));
    project.write(`services:
  web:
    x-rootfs: ./root
    command: [/bin/sh, -c, 'echo "$$HOSTNAME" > /srv/name; echo hidden > /data/file; exec /bin/sleep 1000']
    hostname: h
    stop_grace_period: 0s
    deploy: {replicas: 2}
    volumes: [/data]
`);
    await project.expect(0, 'up', '-d', '--wait');
    for (const index of [1, 2]) {
      await project.expect(
        0,
        'exec',
        '-T',
        '--index',
        String(index),
        'web',
        '/bin/sh',
        '-c',
        `echo ${index} > /srv/number`,
      );
    }
    const archive = join(project.scratch, 'web.tar');
    const tar = (...args: string[]) => execFileSync('tar', [...args, '-f', archive], { encoding: 'utf8' });
    await project.expect(0, 'export', '-o', 'web.tar', 'web');
    assert.equal(tar('-xO', 'srv/number'), '1\n');
    const names = tar('-t').split('\n');
    assert.ok(names.includes('proc/') && names.includes('data/'), 'mount points');
    assert.deepEqual(
      names.filter((each) => /^(proc|dev|sys|data)\/./.test(each)),
      [],
      'nothing of what is mounted',
    );
    assert.match(tar('-tv', 'srv/name'), /^-rw-r--r-- (root\/root|0\/0) /);
    await project.expect(0, 'stop');
    await project.expect(0, 'export', '--output', 'web.tar', '--index', '2', 'web');
    assert.equal(tar('-xO', 'srv/number'), '2\n');
    await project.expect(1, 'export', '-o', 'web.tar', '--index', '3', 'web');
    await project.expect(2, 'export', '-o', '/nowhere/web.tar', 'web');
  },
  { needs: ['tar', '/bin/busybox'] },
);

e2e(
  'TestLocalComposeConfig, TestLocalComposeConfigNoConsistency: renderings, and parts of what does not fit',
  async (project) => {
    project.write("services: {web: {image: nginx, ports: ['${PORT:-8080}:80']}}\n");
    assert.match(await project.expect(0, 'config'), /published: "8080"/);
    assert.equal(
      JSON.parse(await project.expect(0, 'config', '--format', 'json')).services.web.ports[0].published,
      '8080',
    );
    const plain = await project.tsstack(['config', '--no-interpolate', 'web']);
    assert.match(plain.stdout, /\$\{PORT:-8080\}:80/);
    assert.match(plain.stderr, /warning: .*services that are named are ignored/);
    assert.equal(
      JSON.parse(await project.expect(0, 'config', '--variables', '--format', 'json')).PORT.DefaultValue,
      '8080',
    );

    project.write(`services:
  incomplete: {volumes: ['data:/data', 'gone:/gone'], networks: [internal, missing], models: {llm: }, depends_on: [nobody]}
  gated: {profiles: [extra]}
volumes: {data: }
networks: {internal: }
models: {llm: {model: ai/example}}
`);
    await project.expect(2, 'config', '--services');
    const part = (...args: string[]) => project.expect(0, ...args, 'config', '--no-consistency');
    const only = async (option: string) => await project.expect(0, 'config', '--no-consistency', option);
    assert.equal(await only('--services'), 'incomplete\n');
    assert.equal(await only('--volumes'), 'data\n');
    assert.match(await only('--networks'), /^internal$/m);
    assert.equal(await only('--models'), 'llm\n');
    assert.match(
      await project.expect(0, 'config', '--no-consistency', '--hash', 'incomplete'),
      /^incomplete [0-9a-f]{64}\n$/,
    );
    assert.match(await part('--profile', 'extra'), /gated:/);
  },
);
