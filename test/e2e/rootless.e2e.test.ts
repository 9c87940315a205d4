import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { answers } from '../helpers/answers.ts';
import { freePort } from '../helpers/e2e.ts';
import { withBase } from '../helpers/e2e-images.ts';
import { PROBE, probeLines } from '../helpers/probe.ts';
import { run, until } from '../helpers/run.ts';
import { rootless } from '../helpers/user-project.ts';

const DAEMON = /dist\/daemon\.js$/;
const OUTSIDE = /tsstack outside$/;
const KEEPER = /sleep infinity$/;
const UPLINK = / (pasta|slirp4netns) --con/;
const SLEEPER = `services:
  web:
    command: [sh, -c, 'id -u; cat /proc/self/uid_map; sleep 1000']
`;
const ECHO = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 8001))
while True: s.sendto(b"back", s.recvfrom(9)[1])
`;

rootless('an ordinary user brings up a stack, looks at it, runs a program in it and takes it down', async (project) => {
  project.write(SLEEPER);
  await project.expect(0, 'up', '-d');
  const { pid = 0, status } = await project.container('web');
  assert.equal(status, 'running');
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\s+2000\s/m, 'outside its root is the user');
  const logs = await until('its first lines', async () => {
    const text = await project.logs('web');
    return text.includes('100000') && text;
  });
  assert.equal(logs.trim().split('\n')[0], '0');
  assert.equal((await project.expect(0, 'exec', '-T', 'web', 'id', '-u')).trim(), '0');
  assert.match(await project.expect(0, 'top'), /sleep 1000/);
  assert.match((await project.tsstack(['up', '-d'])).stderr, /Nothing to do/);
  assert.equal(statSync(join(project.runtime, 'tsstack')).mode & 0o777, 0o700);
  assert.equal(statSync(join(project.runtime, 'tsstack/daemon.sock')).mode & 0o777, 0o600);
  assert.equal(statSync(project.state).uid, 2000);
});

rootless(
  'published ports are reached where the file says, by TCP and UDP; services by their names',
  async (project) => {
    const [local, open] = [await freePort(), await freePort()];
    project.write(ECHO, 'echo.py');
    project.write(`services:
  web:
    command: [python3, -m, http.server, -d, /etc, '8000']
    ports: ['127.0.0.1:${local}:8000', '${open}:8000', '${open}:8001/udp']
  echo:
    network_mode: service:web
    command: [python3, /echo.py]
    volumes: ['./echo.py:/echo.py:ro']
  client:
    command: [sleep, '1000']
`);
    await project.expect(0, 'up', '-d');
    for (const place of [`127.0.0.1:${local}`, `127.0.0.1:${open}`, `[::1]:${open}`]) await answers(place);
    const { stdout: listeners } = await run(['ss', '-Hltn']);
    assert.match(listeners, new RegExp(`127\\.0\\.0\\.1:${local} `));
    assert.doesNotMatch(listeners, new RegExp(`(0\\.0\\.0\\.0|\\[::\\]|\\*):${local} `), 'not on other addresses');
    assert.equal(await until('an answer by UDP', () => askByUdp(open)), 'back');
    const inside = `import urllib.request as u; print(u.urlopen("http://web:8000/hostname").status)`;
    assert.equal((await project.expect(0, 'exec', '-T', 'client', 'python3', '-c', inside)).trim(), '200');
    await project.expect(0, 'stop', 'web');
    const { status } = await run(['curl', '-sm5', `http://127.0.0.1:${open}/`]);
    assert.equal(status, 7, 'nobody listens for what does not run');
  },
);

rootless(
  'daemon and helpers may be killed: ports go on, and the next command finds all and repairs',
  async (project) => {
    const [port, later] = [await freePort(), await freePort()];
    const web = (...ports: readonly number[]): string => `services:
  web:
    command: [python3, -m, http.server, -d, /etc, '8000']
    ports: [${ports.map((each) => `'${each}:8000'`).join(', ')}]
`;
    project.write(web(port));
    await project.expect(0, 'up', '-d');
    await answers(`127.0.0.1:${port}`);
    const { pid } = await project.container('web');
    for (const which of [DAEMON, OUTSIDE]) {
      process.kill(await project.pidOf(which), 'SIGKILL');
      await answers(`127.0.0.1:${port}`);
      assert.equal((await project.container('web')).pid, pid);
      assert.match((await project.tsstack(['up', '-d'])).stderr, /Nothing to do/);
    }
    const uplink = await project.pidOf(UPLINK);
    process.kill(uplink, 'SIGKILL');
    await until('another way out', async () => (await project.pidOf(UPLINK)) !== uplink);
    process.kill(await project.pidOf(KEEPER), 'SIGKILL');
    // The one that holds the ports has lost the one that opens them.
    project.write(web(port, later));
    await project.expect(0, 'up', '-d');
    await answers(`127.0.0.1:${port}`);
    await answers(`127.0.0.1:${later}`);
  },
);

rootless('what cannot be had is said before anything is done', async (project) => {
  project.write("services:\n  web:\n    command: [sleep, '1']\n    ports: ['80:80']\n    userns_mode: private\n");
  const refused = await project.tsstack(['up', '-d']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /Cannot publish port 80\/tcp: net\.ipv4\.ip_unprivileged_port_start/);
  assert.match(refused.stderr, /Cannot have a user namespace of its own/);
  assert.match(refused.stderr, /Nothing was changed/);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  project.write(`services:\n  web:\n    command: [sleep, '1']\n    ports: ['${port}:80']\n`);
  const conflict = await project.tsstack(['up', '-d']);
  taken.close();
  assert.equal(conflict.status, 1);
  assert.match(conflict.stderr, new RegExp(`Cannot publish port ${port}/tcp .* has it`));
});

rootless(
  'limits are not dropped in silence where no cgroup was delegated',
  async (project) => {
    project.write("services:\n  web:\n    command: [sleep, '1000']\n    mem_limit: 64m\n    cpus: 0.5\n");
    const { status, stderr } = await project.tsstack(['up', '-d']);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /service\.web: mem_limit is not kept: /);
    assert.match(stderr, /service\.web: cpus is not kept: /);
    const pause = await project.tsstack(['pause', 'web']);
    assert.equal(pause.status, 1);
    assert.match(pause.stderr, /Cannot pause/);
    assert.equal((await project.container('web')).status, 'running');
  },
  { needs: ['/sys/fs/cgroup/memory'] },
);

rootless(
  'programs of a machine with mounts among them are there, for reading, and so is what is mounted',
  async (project) => {
    project.changes = 'mount -t tmpfs -o mode=755 tmpfs /usr/games; echo here >/usr/games/file';
    project.write(SLEEPER);
    await project.expect(0, 'up', '-d');
    assert.equal(await project.expect(0, 'exec', '-T', 'web', 'cat', '/usr/games/file'), 'here\n');
    const { status, stderr } = await project.tsstack(['exec', '-T', 'web', 'touch', '/usr/new']);
    assert.equal(status, 1);
    assert.match(stderr, /Read-only file system/);
    await project.expect(0, 'exec', '-T', 'web', 'touch', '/etc/new');
  },
);

rootless('images are loaded, built and run, with their owners; volumes and host paths keep theirs', async (project) => {
  await withBase(project, async (base) => {
    project.write(
      `FROM ${base}
RUN echo built > /tmp/built && mkdir -p /srv && touch /srv/gone /srv/kept && rm /bin/false
RUN rm -r /srv && mkdir /srv && touch /srv/new
`,
      'Dockerfile',
    );
    project.write(`services:
  app:
    build: .
    user: '1000:1000'
    command: [sh, -c, 'id -u; ls /srv; test -e /bin/false || echo no false; echo mine > /data/file; ls -ln /data; sleep 1000']
    volumes: ['data:/data', './shared:/shared']
volumes:
  data:
    driver_opts: { type: tmpfs, device: tmpfs, o: 'uid=1000' }
`);
    await project.expect(0, 'up', '-d');
    const logs = await until('its lines', async () => {
      const text = await project.logs('app');
      return text.includes('file') && text;
    });
    assert.match(logs, /^1000\nnew\nno false\n/);
    assert.match(logs, /1000 +\d+ +5 .* file/);
    await project.expect(0, 'exec', '-T', '--user', '0', 'app', 'touch', '/shared/of-root');
    assert.equal(statSync(join(project.scratch, 'shared/of-root')).uid, 2000, 'root inside is the user outside');
    await project.expect(0, 'cp', 'app:/tmp/built', './copied');
    assert.equal(readFileSync(join(project.scratch, 'copied'), 'utf8'), 'built\n');
    assert.match(await project.expect(0, 'run', '--rm', 'app', 'cat', '/tmp/built'), /built/);
  });
});

rootless(
  'doctor says what a user lacks, with the command that mends it, and up refuses for the same',
  async (project) => {
    project.write(SLEEPER);
    const lacks: readonly (readonly [changes: string, found: RegExp, fix: RegExp])[] = [
      [': >/etc/subuid', /\/etc\/subuid\W+no line for tsuser/, /usermod --add-subuids 100000-165535 tsuser/],
      ['chmod 600 /dev/net/tun', /\/dev\/net\/tun\W+cannot be opened: EACCES/, /chmod 666 \/dev\/net\/tun/],
    ];
    for (const [changes, found, fix] of lacks) {
      project.changes = changes;
      const doctor = await project.tsstack(['doctor']);
      assert.equal(doctor.status, 1, doctor.stdout);
      assert.match(doctor.stdout, found);
      assert.match(doctor.stdout, fix);
      const up = await project.tsstack(['up', '-d']);
      assert.equal(up.status, 1);
      assert.match(up.stderr, /This user cannot run containers yet/);
      assert.match(up.stderr, fix);
      assert.doesNotMatch(up.stderr, /^\s+at /m, 'no stack trace');
      assert.equal(existsSync(project.state), false, 'nothing was made');
    }
    project.changes = '';
    const doctor = await project.tsstack(['doctor']);
    assert.equal(doctor.status, 0, doctor.stdout);
  },
);

rootless(
  'a default service of an ordinary user passes every core check of the isolation probe',
  async (project) => {
    const lines = await probeLines(project);
    const score = /^SCORE core (\d+)\/(\d+)/m.exec(lines.join('\n'));
    assert.ok(score, lines.join('\n'));
    assert.deepEqual(
      lines.filter((line) => line.startsWith('FAIL core.')),
      [],
    );
    assert.equal(score[1], score[2]);
  },
  { needs: [PROBE] },
);

async function askByUdp(port: number): Promise<string | false> {
  const socket = createSocket('udp4');
  try {
    socket.send('ask', port, '127.0.0.1');
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(500) })) as [Buffer];
    return answer.toString();
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
