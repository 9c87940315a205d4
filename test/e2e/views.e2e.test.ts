import assert from 'node:assert/strict';
import type { ContainerDetail } from '../../src/daemon/api.ts';
import { e2e, freePort, http } from '../helpers/e2e.ts';
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
