import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

function text(project: Project, name = 'out'): string {
  const file = join(project.scratch, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

async function nothingLeft(project: Project): Promise<void> {
  const names = (await project.ps()).map(({ service }) => service);
  assert.deepEqual(
    names.filter((name) => name.includes('pre_start')),
    [],
  );
  await project.expect(0, 'plan', '--check');
}

e2e('pre_start runs to its end in order, after dependencies, with what the service has', async (project) => {
  project.write('hush\n', 'secret.txt');
  project.write(`services:
  db:
    command: [sh, -c, 'sleep 0.2; touch /ready; exec sleep 1000']
    healthcheck: { test: [CMD, test, -f, /ready], interval: 20ms, retries: 100 }
  web:
    command: [sh, -c, 'echo "3 $$(cat /data/made)" >> /out/out; exec sleep 1000']
    environment: { OWN: own, WORD: service }
    working_dir: /usr
    read_only: true
    volumes: ['.:/out', 'data:/data']
    secrets: [word]
    depends_on: { db: { condition: service_healthy } }
    pre_start:
      - command: [sh, -c, 'sleep 0.2; echo 1 $$OWN $$WORD $$(pwd) $$(cat /run/secrets/word) >> /out/out; echo said; touch /writable']
        environment: { WORD: hook }
      - command: [sh, -c, 'echo 2 $$(id -u) >> /out/out; cat /etc/hosts > /data/hosts; ip -o -4 addr show dev eth0 > /data/address; readlink /proc/self/ns/net > /data/net; echo shared > /data/made']
        user: '0'
        working_dir: /tmp
secrets: { word: { file: ./secret.txt } }
volumes: { data: {} }
`);
  assert.match(await project.expect(0, 'plan'), /▶ pre_start\[1\] of service\.web\[1\] /);
  await project.expect(0, 'up', '-d');
  await until('web', async () => text(project).includes('3'));
  assert.equal(text(project), '1 own hook /usr hush\n2 0\n3 shared\n');
  assert.match(await project.logs('web'), /^-> said$/m);
  const inside = (...argv: string[]) => project.expect(0, 'exec', '-T', 'web', ...argv);
  assert.equal(await inside('cat', '/data/hosts'), await inside('cat', '/etc/hosts'));
  assert.match(await inside('cat', '/data/hosts'), /\bdb\b/);
  assert.equal(await inside('readlink', '/proc/1/ns/net'), await inside('cat', '/data/net'));
  await nothingLeft(project);
});

const COUNTED = (word: string, scale = 1) => `services:
  web:
    command: [sleep, '1000']
    scale: ${scale}
    stop_grace_period: 100ms
    environment: { WORD: ${word} }
    volumes: ['.:/out']
    pre_start:
      - command: [sh, -c, 'echo once $$WORD >> /out/out']
      - command: [sh, -c, 'echo each $$WORD >> /out/out']
        per_replica: true
`;

e2e('pre_start runs for containers that are new: once for all replicas, or for each of them', async (project) => {
  const ran = async (expected: readonly string[], ...args: string[]): Promise<void> => {
    writeFileSync(join(project.scratch, 'out'), '');
    await project.expect(0, ...args);
    assert.deepEqual(text(project).split('\n').slice(0, -1).sort(), expected, args.join(' '));
    await nothingLeft(project);
  };
  project.write(COUNTED('a', 2));
  await ran(['each a', 'each a', 'once a'], 'up', '-d', '--wait');
  await ran([], 'up', '-d');
  project.write(COUNTED('a', 3));
  await ran(['each a'], 'up', '-d');
  await ran([], 'restart');
  await project.expect(0, 'stop');
  await ran([], 'start');
  await project.expect(0, 'stop');
  await ran([], 'up', '-d');
  project.write(COUNTED('a'));
  await ran(['each a', 'once a'], 'up', '-d', '--force-recreate');
  project.write(COUNTED('b'));
  await ran(['each b', 'once b'], 'up', '-d');
  project.write(COUNTED('b').replace('echo each', 'echo every'));
  await ran(['every b', 'once b'], 'up', '-d');
  await project.expect(0, 'down');
  await project.expect(0, 'create');
  await ran(['every b', 'once b'], 'start');
});

e2e('pre_start that fails fails up with its last output, and what was there before goes on', async (project) => {
  const stack = (status: number) => `services:
  web:
    command: [sh, -c, 'echo web >> /out/web; exec sleep 1000']
    stop_grace_period: 100ms
    volumes: ['.:/out']
    pre_start:
      - command: [sh, -c, 'echo ran-0 >> /out/out']
      - command: [sh, -c, 'seq 1 20; echo no such table >&2; exit ${status}']
      - command: [sh, -c, 'echo ran-2 >> /out/out']
`;
  project.write(stack(17));
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /pre_start\[1\] of service\.web\[1\] .* ended with status 17\n {2}its last output:\n {4}12\n.*\n {4}no such table\n/s,
  );
  assert.equal(text(project), 'ran-0\n');
  assert.equal(text(project, 'web'), '');
  assert.deepEqual(await project.ps(), []);
  project.write(stack(0));
  await project.expect(0, 'up', '-d');
  project.write(stack(3));
  assert.equal((await project.tsstack(['up', '-d'])).status, 1);
  assert.deepEqual(
    (await project.ps()).map(({ service, status: state }) => [service, state]),
    [['web', 'running']],
  );
  project.write(stack(0));
  await nothingLeft(project);
});

const SLOW = `services:
  web:
    command: [sleep, '1000']
    volumes: ['.:/out']
    pre_start:
      - command: [sh, -c, 'echo first >> /out/out']
      - command: [sh, -c, 'echo second >> /out/out; [ -e /out/go ] || exec sleep 1000']
`;

e2e('a daemon that is killed while pre_start runs: the next up takes it away and runs all of it', async (project) => {
  project.write(SLOW);
  const up = project.tsstack(['up', '-d']);
  await until('the second', async () => text(project).includes('second'));
  await killDaemon(project);
  await up;
  const left = await project.ps();
  assert.deepEqual(left.map(({ service }) => service).sort(), ['web', 'web-pre_start-1']);
  assert.match(await project.expect(0, 'plan'), /- service\.web-pre_start-1\[1\] +left by a start that was cut short/);
  project.write('', 'go');
  await project.expect(0, 'up', '-d');
  assert.equal(text(project), 'first\nsecond\nfirst\nsecond\n');
  assert.equal((await project.container('web')).status, 'running');
  await nothingLeft(project);
});

e2e(
  'down takes away what a killed daemon has left of pre_start, and so does an up that is interrupted',
  async (project) => {
    project.write(SLOW);
    const up = project.tsstack(['up', '-d']);
    await until('the second', async () => text(project).includes('second'));
    await killDaemon(project);
    await up;
    await project.expect(0, 'down', 'web');
    assert.deepEqual(await project.ps(), []);
    writeFileSync(join(project.scratch, 'out'), '');
    const [command = '', ...args] = project.argv(['up', '-d']);
    const again = spawn(command, args, { cwd: project.directory, stdio: 'ignore' });
    const ended = once(again, 'exit');
    await until('the second again', async () => text(project).includes('second'));
    again.kill('SIGINT');
    assert.notEqual((await ended)[0], 0);
    assert.deepEqual(await project.ps(), []);
  },
);

e2e('plan --script runs pre_start by hand, and what it made is taken down as usual', async (project) => {
  project.write(SLOW);
  project.write('', 'go');
  writeFileSync(join(project.scratch, 'by-hand.sh'), await project.expect(0, 'plan', '--script'));
  const made = await run(['sh', 'by-hand.sh'], { cwd: project.scratch });
  assert.equal(made.status, 0, made.stderr);
  assert.equal(text(project), 'first\nsecond\n');
  await nothingLeft(project);
});

e2e('host-gateway of extra_hosts is the host for pre_start as it is for the service', async (project) => {
  const server = createServer((socket) => socket.end('from the host\n')).listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = `timeout 5 bash -c 'cat < /dev/tcp/gate/${port}'`;
  try {
    project.write(`services:
  web:
    command: [sh, -c, "${ask} > /out/out; exec sleep infinity"]
    volumes: ['.:/out']
    extra_hosts: ['gate:host-gateway']
    pre_start: [{command: [sh, -c, "${ask} > /out/hook"]}]
  other:
    command: [sh, -c, "${ask} > /out/other || echo closed > /out/other; exec sleep infinity"]
    volumes: ['.:/out']
    extra_hosts: ['gate:127.0.0.1']
    pre_start: [{command: ['true']}]
`);
    await project.expect(0, 'up', '-d');
    await until('the answers', () => text(project) !== '' && text(project, 'other') !== '');
    assert.deepEqual(
      ['hook', 'out', 'other'].map((name) => text(project, name)),
      ['from the host\n', 'from the host\n', 'closed\n'],
    );
    await nothingLeft(project);
  } finally {
    server.close();
  }
});
