import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { TSSTACK } from '../helpers/client.ts';
import { e2e } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

const WEB = `services:
  db:
    command: [sh, -c, 'touch /ready; exec sleep 1000']
    healthcheck: { test: [CMD, test, -f, /ready], interval: 50ms, retries: 100 }
  web:
    command: [sleep, "1000"]
    restart: always
    stop_grace_period: 100ms
    depends_on: { db: { condition: service_healthy } }
    ports: ["18431:80"]
    volumes: [/scratch]
`;

e2e(
  'run makes a container of its own after its dependencies, passes streams and status on, and --rm leaves nothing',
  async (project) => {
    project.write(WEB);
    const said = await project.tsstack(['run', '--rm', '-T', 'web', 'sh', '-c', 'cat; echo err >&2; exit 7'], {
      stdin: 'from outside\n',
    });
    assert.equal(said.status, 7, said.stderr);
    assert.equal(said.stdout, 'from outside\n');
    assert.match(said.stderr, /^err$/m);
    assert.doesNotMatch(said.stdout, /err/);
    const left = await project.ps();
    assert.deepEqual(
      left.map(({ service, status }) => [service, status]),
      [['db', 'running']],
    );
    const volumes = await project.expect(0, 'volumes', '-q');
    assert.doesNotMatch(volumes, /run-/, 'its anonymous volume went with it');
  },
);

e2e(
  'a one-off is no replica and no drift, publishes nothing, is not restarted, and goes with the stack',
  async (project) => {
    project.write(WEB);
    await project.expect(0, 'up', '-d');
    const name = (await project.expect(0, 'run', '-d', 'web', 'sh', '-c', 'echo done; exit 3')).trim();
    assert.match(name, new RegExp(`^${project.name}-web-run-[0-9a-f]{12}$`));
    const ended = await until('the one-off to end', async () => {
      const found = (await project.ps()).find((each) => each.name === name);
      return found?.status === 'exited' && found;
    });
    assert.equal(ended.exitCode, 3);
    assert.equal(ended.restarts, 0);
    assert.equal(ended.oneOffOf, 'web');
    assert.deepEqual(ended.ports, []);
    assert.doesNotMatch(await project.expect(0, 'ps'), /-run-/);
    await project.expect(0, 'plan', '--check');
    assert.match(await project.expect(0, 'logs', name), /done/);
    await project.expect(0, 'run', '-d', '--name', 'a-job', '--no-deps', 'web');
    await project.expect(0, 'stop');
    const job = (await project.ps()).find((each) => each.name === 'a-job');
    assert.equal(job?.status, 'running', 'stop is for replicas');
    await project.expect(0, 'down', '-v');
    assert.deepEqual(await project.ps(), []);
  },
);

e2e(
  'run takes the options of one container: user, directory, variables, entrypoint, volumes, ports, capabilities',
  async (project) => {
    project.write(`${WEB}    entrypoint: [echo, service]\n    environment: { A: file, B: file }\n`);
    project.write('B=from-file\nC=from-file\n', 'job.env');
    const inside = await project.tsstack(
      [
        ...['run', '--rm', '-T', '-q', '--no-deps', '-u', '1234:77', '-w', '/tmp', '-e', 'A=given', '-e', 'HOST_ONLY'],
        ...['--env-from-file', 'job.env', '--entrypoint', 'sh -c', '-v', `${project.scratch}:/in:ro`, '-l', 'x=y'],
        ...['-p', '127.0.0.1:18432:90', '--cap-drop', 'ALL'],
        ...[
          'web',
          'id -u; id -g; pwd; echo $A $B $C $HOST_ONLY; grep -c " /in ro" /proc/self/mountinfo; grep CapBnd /proc/self/status',
        ],
      ],
      { env: { HOST_ONLY: 'ours' } },
    );
    assert.equal(inside.status, 0, inside.stderr);
    assert.equal(inside.stdout, '1234\n77\n/tmp\ngiven from-file from-file ours\n1\nCapBnd:\t0000000000000000\n');
    assert.equal(
      (await project.tsstack(['run', '--rm', '-T', '-q', '--no-deps', 'web', 'own'])).stdout,
      'service own\n',
    );
  },
);

e2e(
  'run has a terminal where it is asked for one: raw, of the size of ours, the first of its own devpts',
  async (project) => {
    project.write(WEB);
    const command = [TSSTACK, '-p', project.name, 'run', '--rm', '-q', '--no-deps', 'web', 'sh', '-c'];
    const script = 'tty; sleep 0.3; stty size; stty -echo; echo ready; read line; echo "[$line]"; exit 9';
    const inner = `stty rows 33 cols 99; exec ${[...command, script].map((word) => `'${word}'`).join(' ')}`;
    const finished = await run(['script', '-qec', inner, '/dev/null'], { cwd: project.directory, stdin: 'typed\n' });
    assert.equal(finished.status, 9, finished.stdout);
    assert.match(finished.stdout, /\/dev\/pts\/0\r+\n/);
    assert.match(finished.stdout, /33 99\r+\n/);
    assert.match(finished.stdout, /\[typed\]\r+\n/);
  },
  { needs: ['script'] },
);

e2e('a one-off outlives daemon and client; --rm is made good by the next command', async (project) => {
  project.write(WEB);
  const [command = '', ...args] = project.argv(['run', '--rm', '-T', '-q', '--no-deps', 'web', 'sleep', '1000']);
  const client = spawn(command, args, { cwd: project.directory, stdio: 'ignore' });
  const running = await until('the one-off to run', async () =>
    (await project.ps()).find(({ oneOffOf, status, pid }) => oneOffOf === 'web' && status === 'running' && pid),
  );
  const version = JSON.parse(await project.expect(0, 'version', '--format', 'json')) as { daemon: { pid: number } };
  client.kill('SIGKILL');
  process.kill(version.daemon.pid, 'SIGKILL');
  await until('the daemon to be gone', () => !existsSync(`/proc/${version.daemon.pid}`));
  assert.equal(readFileSync(`/proc/${running.pid}/comm`, 'utf8'), 'sleep\n');
  assert.equal((await project.ps())[0]?.pid, running.pid, 'adopted as it was');
  process.kill(running.pid ?? 0, 'SIGKILL');
  await until('the one-off to be removed', async () => (await project.ps()).length === 0);
});

e2e('a one-off that is removed as soon as it ends is read to its end, by a slow reader too', async (project) => {
  project.write(WEB);
  const words = project.argv(['run', '--rm', '-T', '-q', '--no-deps', 'web', 'sh', '-c', 'seq 400000; echo end >&2']);
  const line = `${words.map((word) => `'${word}'`).join(' ')} | { sleep 1; cat; }`;
  const { stdout, stderr } = await run(['sh', '-c', line], { cwd: project.directory });
  assert.equal(stdout, Array.from({ length: 400_000 }, (_, index) => `${index + 1}\n`).join(''));
  assert.equal(stderr, 'end\n');
  assert.deepEqual(await project.ps(), []);
});

e2e('a daemon that is told to end does not wait for a one-off; the next one removes it', async (project) => {
  project.write(WEB);
  const script = 'until [ -e /here/go ]; do sleep 0.05; done; exit 5';
  const finished = project.tsstack([
    'run',
    '--rm',
    '-T',
    '-q',
    '--no-deps',
    '-v',
    '.:/here',
    'web',
    'sh',
    '-c',
    script,
  ]);
  const running = await until('the one-off to run', async () => (await project.ps())[0]?.status === 'running');
  assert.ok(running);
  const version = JSON.parse(await project.expect(0, 'version', '--format', 'json')) as { daemon: { pid: number } };
  process.kill(version.daemon.pid, 'SIGTERM');
  await until('the daemon to be gone', () => !existsSync(`/proc/${version.daemon.pid}`));
  assert.equal((await project.ps())[0]?.status, 'running', 'the daemon went first');
  project.write('', 'go');
  assert.equal((await finished).status, 5);
  assert.deepEqual(await project.ps(), []);
});
