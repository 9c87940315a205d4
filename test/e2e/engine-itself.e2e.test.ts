import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ask } from '../daemon/ask.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { output, run, until } from '../helpers/run.ts';

const SOCKET = '/run/tsstack/daemon.sock';
const FLOOD = join(import.meta.dirname, '../helpers/flood.mjs');
/** In two parts: this file's own text is not to be found. */
const CANARY = ['qv7', 'canary', 'zx'].join('-');

/** Nobody's supervision keeps a daemon that is to be asked several times. */
async function upSleeping(project: Project): Promise<void> {
  project.write('services:\n  web: {command: [sleep, infinity], init: false, network_mode: none}\n');
  await project.expect(0, 'up', '-d');
}

async function daemonPid(): Promise<number> {
  return Number((await ask(SOCKET, { path: '/v1/version' })).json['pid']);
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

e2e('the socket is for root alone, in directories that are, and another user gets EACCES', async (project) => {
  await upSleeping(project);
  for (const [path, mode] of [
    [SOCKET, 0o600],
    ['/run/tsstack', 0o700],
    ['/var/lib/tsstack', 0o700],
  ] as const) {
    const stats = statSync(path);
    assert.deepEqual([stats.uid, stats.gid, stats.mode & 0o7777], [0, 0, mode], path);
  }
  const program = `require('net').connect('${SOCKET}').on('error', (e) => console.log(e.code)).on('connect', () => console.log('open'))`;
  const other = await run(
    ['setpriv', '--reuid=2000', '--regid=2000', '--clear-groups', process.execPath, '-e', program],
    {
      cwd: '/',
    },
  );
  assert.equal(other.stdout.trim(), 'EACCES', other.stderr);
  assert.deepEqual(await portsOf(await daemonPid()), [], 'nothing is listened on but that socket');
});

/** Sockets of IP that a process has open, as the kernel lists them. */
async function portsOf(pid: number): Promise<readonly string[]> {
  const open = await output('sh', '-c', `readlink /proc/${pid}/fd/*; :`);
  const inodes = new Set([...open.matchAll(/^socket:\[(\d+)\]$/gm)].map(([, inode]) => inode));
  assert.ok(inodes.size > 0, open);
  return ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .filter((line) => inodes.has(line.trim().split(/\s+/)[9])),
  );
}

e2e(
  'a thousand half-open connections and bodies of 100 MiB: others are answered, and memory is bounded',
  async (project) => {
    await upSleeping(project);
    const pid = await daemonPid();
    for (let index = 0; index < 20; index += 1) await ask(SOCKET, { path: '/v1/stacks' });
    const before = residentBytes(pid);
    // They are a process of their own: what they cost is not counted as ours.
    const flood = spawn(process.execPath, [FLOOD, SOCKET, '3'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let said = '';
      flood.stdout.on('data', (chunk) => (said += chunk));
      const times: number[] = [];
      let most = before;
      await until('all of them to be there, and each body to be refused, while others are answered', async () => {
        const begin = performance.now();
        assert.equal((await ask(SOCKET, { path: '/v1/stacks' })).status, 200);
        times.push(performance.now() - begin);
        most = Math.max(most, residentBytes(pid));
        return times.length >= 20 && /^open$/m.test(said) && said.match(/^413$/gm)?.length === 3;
      });
      const median = times.toSorted((left, right) => left - right)[times.length >> 1] ?? 0;
      assert.ok(median < 100, `${median} ms`);
      assert.ok(most - before < 64 * 1024 * 1024, `${(most - before) / 1024 / 1024} MiB more`);
    } finally {
      flood.kill();
    }
    // Half a head is not waited for.
    const slow = connect(SOCKET).on('error', () => undefined);
    slow.write('GET /v1/version HTTP/1.1\r\nHost:');
    let answer = '';
    slow.on('data', (chunk) => (answer += chunk));
    await until('the slow one to be closed', () => slow.closed, 30_000);
    assert.match(answer, /^HTTP\/1\.1 408 /);
  },
);

/** Files below a directory that hold the canary; what an overlay or a bind shows is not looked at twice. */
function holders(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return holders(path);
    return entry.isFile() && readFileSync(path).includes(CANARY) ? [path] : [];
  });
}

/** Processes of the host, but ourselves and what is in a pid namespace of its own, that have the canary in `file`. */
function processesWith(file: 'cmdline' | 'environ'): readonly string[] {
  const own = readlinkSync('/proc/self/ns/pid');
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      if (readlinkSync(`/proc/${pid}/ns/pid`) !== own) return [];
      return readFileSync(`/proc/${pid}/${file}`).includes(CANARY)
        ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`)}`]
        : [];
    } catch {
      return [];
    }
  });
}

e2e(
  'no secret is in argv, in the environment of a process of the host, in a file, a log, an event or an answer',
  async (project) => {
    project.env['CANARY'] = CANARY;
    // A secret of a registry, too, in the file where `login` keeps it; nothing else reads that one.
    mkdirSync(`${project.scratch}/docker`);
    const auth = Buffer.from(`user:${CANARY}`).toString('base64');
    writeFileSync(
      `${project.scratch}/docker/config.json`,
      JSON.stringify({ auths: { 'registry.invalid': { auth } } }),
      {
        mode: 0o600,
      },
    );
    project.env['DOCKER_CONFIG'] = `${project.scratch}/docker`;
    project.write(CANARY, 'token');
    project.write(`
services:
  web:
    command: [sh, -c, "cat /run/secrets/token /run/secrets/password | wc -c; exec sleep infinity"]
    init: false
    network_mode: none
    secrets: [token, password]
    healthcheck: {test: [CMD-SHELL, "test -s /run/secrets/token"], interval: 1s}
secrets:
  token: {file: ./token}
  password: {environment: CANARY}
`);
    await project.expect(0, 'up', '-d', '--wait');
    delete project.env['CANARY'];
    assert.match(await project.logs('web'), new RegExp(String(2 * CANARY.length)));
    await project.expect(0, 'exec', 'web', 'test', '-s', '/run/secrets/password');
    await project.expect(0, 'restart', '-t', '0');
    assert.deepEqual([...processesWith('cmdline'), ...processesWith('environ')], []);
    assert.deepEqual(
      [...holders('/var/lib/tsstack'), ...holders('/run/tsstack'), ...holders('/run/tsstack-serve')],
      [],
    );
    const stack = { stack: project.name };
    const answers = [
      await ask(SOCKET, { path: '/v1/inspect', body: { selector: stack, services: [] } }),
      await ask(SOCKET, { path: '/v1/stacks' }),
      await ask(SOCKET, { path: `/v1/stacks/${project.name}/containers` }),
      await ask(SOCKET, { path: '/v1/images', body: { selector: stack, services: [] } }),
      await ask(SOCKET, { path: '/v1/top', body: { selector: stack, services: [] } }),
    ];
    for (const { text } of answers) assert.ok(!text.includes(CANARY) && !text.includes(auth), text);
    for (const command of [['ps', '-a'], ['logs'], ['events', '--until', '0s'], ['inspect'], ['ls', '-a']]) {
      const { stdout, stderr } = await project.tsstack(command);
      assert.ok(!`${stdout}${stderr}`.includes(CANARY), command.join(' '));
    }
    // Nobody but root gets to a file of ours: every top is closed.
    for (const top of ['/var/lib/tsstack', '/run/tsstack', '/run/tsstack-secrets']) {
      assert.equal(statSync(top).mode & 0o077, 0, top);
    }
  },
);

const ODD = `a b\n'c' "d" \\e $f \${g} \`h\` *?[i] {j,k} ~ # ; & | < > ( ) ! % é \u2028 --x -n \\0101 \\n ,:=\t.`;

e2e(
  'odd values arrive as they are: environment, arguments, labels, paths of mounts, names of files',
  async (project) => {
    const directory = `${project.scratch}/so urce,:'"\\ $(x)\nend`;
    mkdirSync(`${directory}/sub 'dir'`, { recursive: true });
    writeFileSync(`${directory}/sub 'dir'/file`, 'found');
    const target = `/mnt/o dd,:'"\\ $(x)\ntarget`;
    const service = {
      command: [
        'sh',
        '-c',
        'printf "%s\\0" "$@" "$ODD" >/out/said; cat "$TARGET/sub \'dir\'/file" >>/out/said; exec sleep infinity',
        'sh',
        ODD,
        '-n',
        '',
      ],
      environment: { ODD, TARGET: target },
      labels: { 'odd.label': ODD },
      init: false,
      network_mode: 'none',
      volumes: [
        {
          type: 'bind',
          source: directory,
          target: target,
          read_only: true,
        },
        { type: 'bind', source: `${project.scratch}/out`, target: '/out', bind: { create_host_path: true } },
        { type: 'tmpfs', target: `/mnt/t mp\n,'"`, tmpfs: { size: 65536 } },
      ],
      configs: [{ source: 'odd', target: `/etc/con fig\n'",:` }],
    };
    const stack = { services: { web: service }, configs: { odd: { content: ODD } } };
    // A dollar is written twice in a stack file.
    project.write(JSON.stringify(stack).replaceAll('$', '$$$$'));
    await project.expect(0, 'up', '-d');
    const said = await until('it to be said', () => {
      const text = readFileSync(`${project.scratch}/out/said`, 'utf8');
      return text.endsWith('found') && text;
    });
    assert.deepEqual(said.split('\0'), [ODD, '-n', '', ODD, 'found']);
    const [detail] = JSON.parse(await project.expect(0, 'inspect', 'web')) as { labels?: Record<string, string> }[];
    assert.equal(detail?.labels?.['odd.label'] ?? ODD, ODD);
    assert.equal(await project.expect(0, 'exec', 'web', 'cat', `/etc/con fig\n'",:`), ODD);
    assert.equal(await project.expect(0, 'exec', '-e', `X=${ODD}`, 'web', 'sh', '-c', 'printf %s "$X"'), ODD);
    await project.expect(0, 'plan', '--check');
    await project.expect(0, 'restart', '-t', '0');
    await project.expect(0, 'plan', '--check');
  },
);
