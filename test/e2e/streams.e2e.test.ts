import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { begin } from '../helpers/begin.ts';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

/** Says what is typed, with its number. */
const ECHO = `[sh, -c, 'n=0; while read -r line; do n=$$((n+1)); echo "$$n:$$line"; [ "$$line" = end ] && exit 6; done']`;

e2e(
  'attach: input and output of a service with stdin_open, its exit status, and a log that has it all',
  async (project) => {
    project.write(`services:\n  web:\n    command: ${ECHO}\n    stdin_open: true\n`);
    await project.expect(0, 'up', '-d');
    const first = begin(project, ['attach', 'web'], { terminal: false });
    first.child.stdin?.write('one\n');
    await until('an answer', () => first.shown().includes('1:one'));
    first.child.kill('SIGKILL');
    await first.status;
    const second = begin(project, ['attach', 'web'], { terminal: false });
    second.child.stdin?.write('end\n');
    assert.equal(await second.status, 6);
    assert.equal(second.shown(), '2:end\n', 'what was written before is not shown again');
    assert.equal(await project.logs('web'), '1:one\n2:end\n');
  },
);

e2e(
  'attach with tty: a terminal of its own that outlives the daemon, left by keys, sized as ours, kept in the log',
  async (project) => {
    project.write(`services:\n  web:\n    command: ${ECHO}\n    stdin_open: true\n    tty: true\n`);
    await project.expect(0, 'up', '-d');
    const version = JSON.parse(await project.expect(0, 'version', '--format', 'json')) as { daemon: { pid: number } };
    process.kill(version.daemon.pid, 'SIGKILL');
    await until('the daemon to be gone', () => !existsSync(`/proc/${version.daemon.pid}`));
    const first = begin(project, ['attach', 'web'], { terminal: true });
    first.child.stdin?.write('one\n');
    await until('an answer', () => first.shown().includes('1:one'));
    assert.equal(
      await project.expect(0, 'exec', '-T', 'web', 'sh', '-c', 'stty size < /dev/pts/0; readlink /proc/1/fd/0'),
      '20 70\n/dev/pts/0\n',
    );
    first.child.stdin?.write('\x10\x11');
    assert.equal(await first.status, 0);
    assert.equal((await project.container('web')).status, 'running');
    const second = begin(project, ['attach', 'web'], { terminal: true });
    second.child.stdin?.write('end\n');
    assert.equal(await second.status, 6);
    assert.match(await project.logs('web'), /1:one\r\n.*2:end\r\n/s);
  },
  { needs: ['script'] },
);

e2e('attach passes signals on unless it is told not to, and input only where there is some', async (project) => {
  project.write(
    `services:\n  web:\n    command: [sh, -c, 'trap "echo got it; exit 4" USR1; while :; do echo tick; sleep 0.05; done']\n`,
  );
  await project.expect(0, 'up', '-d');
  const deaf = begin(project, ['attach', '--sig-proxy=false', '--no-stdin', 'web'], { terminal: false });
  const session = begin(project, ['attach', 'web'], { terminal: false });
  await until('both to be attached', () => [deaf, session].every((each) => each.shown().includes('tick')));
  deaf.child.kill('SIGINT');
  await deaf.status;
  session.child.kill('SIGUSR1');
  assert.equal(await session.status, 4);
  assert.match(session.shown(), /got it/);
});

e2e(
  'exec: statuses of what cannot be run, in the background, a replica, variables, all capabilities',
  async (project) => {
    project.write(`services:\n  web:\n    command: [sleep, "1000"]\n    scale: 2\n    environment: { A: file }\n`);
    await project.expect(0, 'up', '-d');
    const missing = await project.tsstack(['exec', '-T', 'web', 'no-such-program']);
    assert.equal(missing.status, 127);
    assert.match(missing.stderr, /no-such-program.*no such program/);
    assert.equal((await project.tsstack(['exec', '-T', 'web', '/etc/passwd'])).status, 126);
    assert.equal((await project.tsstack(['exec', '-T', 'web', 'sh', '-c', 'kill -9 $$'])).status, 137);
    assert.equal(await project.expect(0, 'exec', '-d', 'web', 'sh', '-c', 'echo $A >/tmp/a; exec sleep 777'), '');
    await until(
      'the background',
      async () => (await project.tsstack(['exec', '-T', 'web', 'cat', '/tmp/a'])).stdout === 'file\n',
    );
    const top = await project.expect(0, 'top', 'web');
    assert.match(top, /sleep 777/);
    assert.equal((await project.tsstack(['exec', '-d', 'web', 'no-such-program'])).status, 127);
    assert.equal((await project.tsstack(['exec', '-T', '--index', '2', 'web', 'cat', '/tmp/a'])).status, 1);
    assert.equal(
      await project.expect(
        0,
        'exec',
        '-T',
        '-u',
        '12',
        '-w',
        '/usr',
        '-e',
        'A=b',
        'web',
        'sh',
        '-c',
        'id -u; pwd; echo $A',
      ),
      '12\n/usr\nb\n',
    );
    const bounding = await project.expect(
      0,
      'exec',
      '-T',
      '--privileged',
      'web',
      'grep',
      'CapBnd',
      '/proc/self/status',
    );
    assert.doesNotMatch(bounding, /a80425fb/);
  },
);

e2e(
  'exec on a terminal: job control, window changes, and keys that leave it running',
  async (project) => {
    project.write(`services:\n  web:\n    command: [sleep, "1000"]\n`);
    await project.expect(0, 'up', '-d');
    const session = begin(project, ['exec', '-it', 'web', 'sh', '-i'], { terminal: true });
    const type = (line: string) => session.child.stdin?.write(line);
    type('stty size; echo read""y\r');
    await until('the shell', () => session.shown().includes('ready'));
    assert.match(session.shown(), /20 70/);
    type('sleep 500 & jobs; fg\r');
    await until('the job', () => session.shown().includes('Running'));
    type('\x03');
    type('echo af""ter\r');
    await until('the shell after Ctrl-C', () => session.shown().includes('after'));
    type('exit 3\r');
    assert.equal(await session.status, 3);
    const left = begin(project, ['exec', '-it', 'web', 'sh', '-c', 'echo here; sleep 888; true'], { terminal: true });
    await until('it to run', () => left.shown().includes('here'));
    left.child.stdin?.write('\x10\x11');
    assert.equal(await left.status, 0);
    assert.match(await project.expect(0, 'top', 'web'), /sleep 888/);
  },
  { needs: ['script'] },
);
