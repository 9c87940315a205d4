import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerDetail, ContainerImage } from '../../src/daemon/api.ts';
import { e2e, freePort, http } from '../helpers/e2e.ts';
import { tarOf, writeLayout } from '../helpers/image-builder.ts';
import { run, until } from '../helpers/run.ts';

e2e('inspect knows what a container was made from, and each of its commands works', async (project) => {
  const port = await freePort();
  project.write(`services:
  web:
    command: [busybox, httpd, -f, -p, '80', -h, /etc]
    ports: ['127.0.0.1:${port}:80']
    mem_limit: 64m
    labels: {tier: front}
    environment: {DB_PASSWORD: hunter2, COLOUR: blue}
    healthcheck: {test: [CMD, echo, fine], interval: 100ms}
`);
  await project.expect(0, 'up', '-d', '--wait');
  const text = await project.expect(0, 'inspect', 'web');
  assert.doesNotMatch(text, /hunter2/);
  const [web] = JSON.parse(text) as ContainerDetail[];
  assert.ok(web);
  assert.equal(web.spec.resources.memoryBytes, 64 * 1024 ** 2);
  assert.deepEqual([web.spec.labels['tier'], web.spec.env['COLOUR'], web.restarts], ['front', 'blue', 0]);
  assert.match(web.healthResults.at(-1)?.output ?? '', /fine/);
  assert.match(web.endpoints[0]?.ipv4 ?? '', /^[0-9.]+\/[0-9]+$/);
  assert.ok(web.commands.length >= 12, `${web.commands.length} commands`);
  for (const { command, shows } of web.commands) {
    const { status, stderr } = await run(['sh', '-c', command], { stdin: '' });
    assert.equal(status, 0, `${shows}: ${command}\n${stderr}`);
  }
  const stopped = async () => (JSON.parse(await project.expect(0, 'inspect')) as ContainerDetail[])[0];
  await project.expect(0, 'stop', '-t', '0');
  const after = await stopped();
  assert.deepEqual([after?.status, after?.exitCode, after?.stoppedByUser], ['exited', 137, true]);
  assert.ok(after?.commands.every(({ command }) => !command.includes('nsenter')));
});

e2e('stats counts what goes over the network, and ls what is paused', async (project) => {
  const port = await freePort();
  project.write(`services:
  web:
    command: [busybox, httpd, -f, -p, '80', -h, /etc]
    ports: ['127.0.0.1:${port}:80']
`);
  await project.expect(0, 'up', '-d');
  await http(`http://127.0.0.1:${port}/services`);
  const [web] = JSON.parse(await project.expect(0, 'stats', '--no-stream', '--json'));
  // /etc/services is over ten kilobytes long, and nobody but us has asked.
  assert.ok(web.networkTxBytes > 10_000 && web.networkRxBytes < web.networkTxBytes, JSON.stringify(web));
  assert.match(await project.expect(0, 'stats', '--no-stream'), /NET I\/O .* PRESSURE/);
  await project.expect(0, 'pause');
  assert.match(await project.expect(0, 'ls'), new RegExp(`^${project.name} +paused\\(1\\)`, 'm'));
  await project.expect(1, 'pause');
  await project.expect(0, 'unpause');
  await project.expect(0, 'stop', '-t', '0');
  assert.doesNotMatch(await project.expect(0, 'ls'), new RegExp(`^${project.name} `, 'm'));
  assert.match(await project.expect(0, 'ls', '-a'), new RegExp(`^${project.name} +exited\\(1\\)`, 'm'));
});

e2e("top names users as the container's own /etc/passwd does, and a link there leads nowhere", async (project) => {
  project.write(`services:
  named:
    command: [sleep, infinity]
    user: daemon
  renamed:
    command: [sh, -c, 'echo "boss:x:0:0::/:" > /etc/passwd; exec sleep 1000000']
  linked:
    command: [sh, -c, 'rm /etc/passwd; ln -s /proc/1/root/etc/passwd /etc/passwd; exec sleep 1000000']
`);
  await project.expect(0, 'up', '-d');
  const userOf = async (service: string): Promise<string> => {
    const [, , line = ''] = (await project.expect(0, 'top', service)).split('\n');
    return /sleep/.test(line) ? (line.split(/ +/)[0] ?? '') : '';
  };
  for (const [service, user] of [
    ['named', 'daemon'],
    ['renamed', 'boss'],
    ['linked', '0'],
  ] as const) {
    await until(`${service} to be ${user}`, async () => (await userOf(service)) === user);
  }
});

e2e(
  'images: where the root of each container comes from; events name container and image; stats -a shows what rests',
  async (project) => {
    const busybox = readFileSync('/bin/busybox');
    const layer = await tarOf([{ name: 'bin/' }, { name: 'bin/sleep', mode: 0o755, text: busybox }]);
    const created = new Date(Date.now() - 3 * 86_400_000 - 3_600_000).toISOString();
    writeLayout(join(project.scratch, 'layout'), [{ tag: 'v1', layers: [layer], created }]);
    mkdirSync(join(project.scratch, 'root/bin'), { recursive: true });
    execFileSync('cp', ['/bin/busybox', join(project.scratch, 'root/bin/sleep')]);
    project.write(`services:
  db: {image: 'oci:./layout:v1', command: [/bin/sleep, infinity], scale: 2}
  dir: {x-rootfs: ./root, command: [/bin/sleep, infinity]}
  web: {command: [sleep, infinity]}
`);
    const began = new Date().toISOString();
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'stop', '-t', '0', 'dir');
    // What a container was made from is known without the image.
    rmSync(join(project.scratch, 'layout'), { recursive: true });
    const images = JSON.parse(await project.expect(0, 'images', '--format', 'json')) as ContainerImage[];
    const [db, second, dir, web] = images;
    assert.equal(images.length, 4);
    assert.equal(db?.repository, `oci:${project.scratch}/layout`);
    assert.deepEqual([db.tag, db.createdAtMs], ['v1', Date.parse(created)]);
    assert.match(db.platform ?? '', /^linux\/(amd64|arm64)$/);
    assert.match(db.id, /^sha256:[0-9a-f]{64}$/);
    assert.ok((db.sizeBytes ?? 0) >= busybox.length && (db.sizeBytes ?? 0) < 2 * busybox.length, `${db.sizeBytes}`);
    assert.deepEqual({ ...second, container: db.container }, db);
    assert.deepEqual([dir?.repository, dir?.id], [`${project.scratch}/root`, `dir:${project.scratch}/root`]);
    assert.ok((dir?.sizeBytes ?? 0) >= busybox.length);
    assert.deepEqual([web?.repository, web?.tag, web?.id, web?.sizeBytes], ['host', undefined, 'host', undefined]);
    assert.equal(await project.expect(0, 'images', '-q', 'db', 'web'), `${db.id.slice(7)}\nhost\n`);
    const table = await project.expect(0, 'images');
    assert.match(table, /^CONTAINER +REPOSITORY +TAG +PLATFORM +IMAGE ID +SIZE +CREATED\n/);
    assert.match(
      table,
      new RegExp(`^\\S+-db-1 +\\S+/layout +v1 +linux/\\S+ +${db.id.slice(7, 19)} +\\S+ \\S+ +3 days ago$`, 'm'),
    );
    assert.match(table, /^\S+-web-1 +host +<none> +linux\/\S+ +- +- +-$/m);

    const stats = await project.expect(0, 'stats', '-a', '--no-stream');
    assert.match(stats, /^\S+-dir-1( +-){7}$/m);
    assert.doesNotMatch(await project.expect(0, 'stats', '--no-stream'), /-dir-1/);

    await project.expect(0, 'rm', '-f', 'dir');
    const until = new Date(Date.now() + 1).toISOString();
    const lines = await project.expect(0, 'events', '--json', '--since', began, '--until', until, 'dir');
    const events = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      events.map(({ action }) => action),
      ['create', 'start', 'exit', 'stop', 'remove'],
    );
    for (const { type, service, attributes, time } of events) {
      assert.deepEqual([type, service], ['container', 'dir']);
      assert.deepEqual(
        [attributes.name, attributes.image],
        [`${project.name}-dir-1`, `rootfs:${project.scratch}/root`],
      );
      assert.ok(time >= began);
    }
  },
  { needs: ['/bin/busybox'] },
);
