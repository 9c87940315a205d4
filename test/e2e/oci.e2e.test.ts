import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { begin } from '../helpers/begin.ts';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e } from '../helpers/e2e.ts';
import { PROBE, probeLines } from '../helpers/probe.ts';
import { until } from '../helpers/run.ts';

const RUNTIMES = ['crun', 'runc'];

/** What a process can tell of what it may do, a section of lines for each question. */
const TELL = [
  'grep -E "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Umask):" /proc/self/status',
  'tail -n +2 /proc/self/limits | cut -c 1-66',
  'echo oom $$(cat /proc/self/oom_score_adj)',
  'echo name $$(hostname) $$(cat /proc/sys/kernel/domainname)',
  'for path in /proc/kcore /proc/keys /proc/sysrq-trigger /proc/sys /sys/firmware; do grep -c " $$path " /proc/mounts; done',
  'for number in 1:11 5:1 10:200; do echo $$(mknod /tmp/n c $${number%:*} $${number#*:} 2>&1 && head -c 0 /tmp/n 2>&1); rm -f /tmp/n; done',
  'echo sysctls $$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range)',
  'echo shm $$(df -k /dev/shm | tail -1 | tr -s " " | cut -d " " -f 2)',
  'echo cgroup $$(cut -d : -f 2,3 /proc/self/cgroup)',
  'for kind in cgroup ipc mnt net pid user uts; do echo $$kind $$( [ "$$(readlink /proc/self/ns/$$kind)" = "$$(readlink /proc/1/ns/$$kind)" ] && echo same); done',
  'pwd; env | grep -E "^(PATH|HOSTNAME|HOME|TERM|GREETING)=" | grep -v ^HOSTNAME | sort',
  'ls -l /proc/self/fd | wc -l',
].join('; ');

/** Mount points with what may not be done on them. */
const MOUNTS =
  'awk \'{ print $$2, $$3, ($$4 ~ /^ro/ ? "ro" : "rw"), ($$4 ~ /nodev/ ? "nodev" : "dev") }\' /proc/mounts | grep -vE \'^/(proc|sys|dev)/\' | grep -vE \'^/dev \' | sort';

/** Keys of a service, by what they are about. */
const CASES: Readonly<Record<string, string>> = {
  default: '',
  user: "user: '1000:1000', group_add: ['20', '30'], working_dir: /tmp/new/place",
  capabilities: 'cap_drop: [ALL], cap_add: [NET_ADMIN, CHOWN]',
  'no-new-privileges': 'security_opt: [no-new-privileges:true], oom_score_adj: 300',
  unconfined: 'security_opt: [seccomp=unconfined]',
  limits: 'ulimits: {nofile: {soft: 100, hard: 200}, core: 1000, nproc: 500}, shm_size: 1m',
  names: 'hostname: h1, domainname: example.test, environment: {GREETING: "a b"}',
  'read-only': 'read_only: true, tmpfs: [/scratch]',
  sysctls: 'sysctls: {net.ipv4.ip_unprivileged_port_start: 500}',
  'system paths': 'security_opt: [systempaths=unconfined]',
  'no shared memory': 'ipc: none',
  shareable: 'ipc: shareable',
  'device rules': "device_cgroup_rules: ['c 1:11 r']",
  privileged: 'privileged: true',
  'user namespace': 'userns_mode: auto',
};

for (const runtime of RUNTIMES) {
  const needs = { needs: [runtime] };

  e2e(
    `${runtime}: what a container may do is what it may do without a runtime, and so it is for exec`,
    async (project) => {
      const service = (name: string, keys: string, more: string) =>
        `  ${name.replaceAll(' ', '-')}${more === '' ? '-own' : ''}: {${[keys, more].filter((each) => each !== '').join(', ')}}\n`;
      const body = (keys: string) =>
        `${keys === '' ? '' : `${keys}, `}command: [sh, -c, '(${TELL}) 2>&1; ${MOUNTS.replaceAll("'", "''")}; exec sleep 1000'], x-none: 0`;
      const services = Object.entries(CASES).map(
        ([name, keys]) => service(name, body(keys), '') + service(name, body(keys), `runtime: ${runtime}`),
      );
      project.write(`services:\n${services.join('').replaceAll(', x-none: 0', '')}`);
      await project.expect(0, 'up', '-d');
      for (const [name, keys] of Object.entries(CASES)) {
        const own = name.replaceAll(' ', '-');
        const told = async (which: string) =>
          (
            await until(`${which} to tell`, async () => {
              const text = await project.logs(which);
              return /^\/etc\/resolv.conf/m.test(text) && text;
            })
          ).replaceAll(/^(name )[0-9a-f]{12}/gm, '$1ID');
        assert.equal(await told(own), await told(`${own}-own`), `${name}: ${keys}`);
      }
    },
    needs,
  );

  e2e(
    `${runtime}: a service passes every check of the isolation probe that it passes without a runtime`,
    async (project) => {
      const lines = await probeLines(project, `    runtime: ${runtime}\n`);
      const score = /^SCORE core (\d+)\/(\d+)/m.exec(lines.join('\n'));
      assert.ok(score, lines.join('\n'));
      assert.deepEqual(
        lines.filter((line) => line.startsWith('FAIL core.')),
        [],
      );
      assert.equal(score[1], score[2]);
    },
    { needs: [runtime, PROBE] },
  );

  e2e(
    `${runtime}: output, status, names, volumes, health, signals, pause, init and exec are as without a runtime`,
    async (project) => {
      project.write(`services:
  web:
    runtime: ${runtime}
    command: [sh, -c, 'echo out; echo err >&2; echo here > /data/file; trap "echo bye; exit 9" USR1; while :; do sleep 0.05; done']
    stop_signal: SIGUSR1
    volumes: ['data:/data']
    healthcheck: {test: [CMD, test, -s, /data/file], interval: 1s, start_period: 5s, start_interval: 100ms}
  other:
    runtime: ${runtime}
    init: true
    depends_on: {web: {condition: service_healthy}}
    command: [sh, -c, 'getent hosts web; cat /data/file; (sh -c "sleep 0.1; exit 3" &); sleep 0.5; exit 7']
    volumes: ['data:/data:ro']
  again:
    runtime: ${runtime}
    command: [sh, -c, 'echo once; exit 1']
    restart: on-failure:2
volumes: {data: {}}
`);
      await project.expect(0, 'up', '-d');
      assert.equal((await project.exited('other')).exitCode, 7);
      assert.match(await project.logs('other'), /^10\.\S+ +.*\bweb\b.*\nhere\n$/);
      assert.equal((await project.container('web')).health, 'healthy');
      await until('both streams', async () => /out.*err/s.test(await project.logs('web')));
      const same =
        'grep -E "^(Cap...|NoNewPrivs|Seccomp|Groups):" /proc/1/status > /tmp/one; grep -E "^(Cap...|NoNewPrivs|Seccomp|Groups):" /proc/self/status | diff - /tmp/one';
      await project.expect(0, 'exec', '-T', 'web', 'sh', '-c', same);
      await project.expect(0, 'pause', 'web');
      assert.equal((await project.container('web')).status, 'paused');
      await project.expect(0, 'unpause', 'web');
      await until('the end of its restarts', async () => (await project.container('again')).restarts === 2);
      await project.exited('again');
      assert.equal(await project.logs('again'), 'once\nonce\nonce\n');
      const { pid } = await project.container('web');
      await project.expect(0, 'restart', 'web');
      assert.notEqual((await project.container('web')).pid, pid);
      assert.match(await project.logs('web'), /bye/);
      await project.expect(0, 'stop', 'web');
      assert.equal((await project.container('web')).exitCode, 9);
      const plan = await project.expect(0, 'plan', 'other', 'again');
      assert.match(plan, /exited|start/);
    },
    needs,
  );

  e2e(
    `${runtime}: with a terminal it has one, which its clients take part in and size`,
    async (project) => {
      project.write(`services:
  web:
    runtime: ${runtime}
    command: [sh, -c, 'tty; while read -r line; do echo "got $$line"; [ "$$line" = end ] && exit 6; done']
    tty: true
    stdin_open: true
`);
      await project.expect(0, 'up', '-d');
      await killDaemon(project);
      const first = begin(project, ['attach', 'web'], { terminal: true });
      first.child.stdin?.write('one\n');
      await until('an answer', () => first.shown().includes('got one'));
      const size = await project.expect(
        0,
        'exec',
        '-T',
        'web',
        'sh',
        '-c',
        'stty size < /dev/pts/0; readlink /proc/1/fd/0',
      );
      assert.equal(size, '20 70\n/dev/pts/0\n');
      first.child.stdin?.write('end\n');
      assert.equal(await first.status, 6);
      assert.match(await project.logs('web'), /\/dev\/pts\/0\r?\n.*got one\r?\n.*got end/s);
      assert.equal((await project.exited('web')).exitCode, 6);
      assert.equal(
        await project.expect(0, 'run', '--rm', '-T', '--entrypoint', 'sh', 'web', '-c', 'echo said; exit 0'),
        'said\n',
      );
    },
    { needs: [runtime, 'script'] },
  );

  e2e(
    `${runtime}: memory and processes are limited, and the end of a starved one is told`,
    async (project) => {
      project.write(`services:
  hungry:
    runtime: ${runtime}
    command: [sh, -c, 'exec tail /dev/zero']
    mem_limit: 40m
    memswap_limit: 40m
  many:
    runtime: ${runtime}
    command: [sh, -c, 'sleep infinity']
    pids_limit: 30
`);
      await project.expect(0, 'up', '-d');
      const { exitCode, signal, oomKilled } = await project.exited('hungry');
      assert.deepEqual([exitCode, signal, oomKilled], [137, 'SIGKILL', true]);
      assert.match(await project.expect(0, 'ps', '-a'), /hungry.*Exited \(137\) OOM killed/);
      assert.equal(project.cgroup('many', 'pids/pids.max', 'pids.max'), '30');
      assert.equal(project.cgroup('hungry', 'memory/memory.limit_in_bytes', 'memory.max'), String(40 * 2 ** 20));
    },
    needs,
  );

  e2e(
    `${runtime}: nothing is lost with the daemon, and whoever is killed, nothing is left`,
    async (project) => {
      project.write(`services:
  web: {runtime: ${runtime}, command: [sh, -c, 'echo begun; exec sleep 1000']}
  ends: {runtime: ${runtime}, command: [sh, -c, 'while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 5']}
  orphan: {runtime: ${runtime}, command: [sleep, '1000']}
`);
      await project.expect(0, 'up', '-d');
      const { pid } = await project.container('ends');
      await killDaemon(project);
      const goFile = `/proc/${pid}/root/tmp/go`;
      writeFileSync(goFile, '');
      assert.equal((await project.exited('ends')).exitCode, 5, 'the status of a run that ended without a daemon');
      // Who waits for pid 1: the container ends with it.
      const web = (await project.container('web')).pid;
      const waiter = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${web}/status`, 'utf8'))?.[1]);
      assert.ok(waiter > 1);
      process.kill(waiter, 'SIGKILL');
      assert.equal((await project.exited('web')).exitCode, 137);
      await until('pid 1 to be gone', () => !lives(web));
      // Everybody but the program.
      const orphan = (await project.container('orphan')).pid;
      const parent = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${orphan}/status`, 'utf8'))?.[1]);
      const chain = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${parent}/status`, 'utf8'))?.[1]);
      await killDaemon(project);
      process.kill(chain, 'SIGKILL');
      process.kill(parent, 'SIGKILL');
      assert.equal((await project.container('orphan')).status, 'running');
      await project.expect(0, 'down');
      await until('the program to be gone', () => !lives(orphan));
    },
    needs,
  );

  e2e(
    `${runtime}: a program that is not there is said as without a runtime, and leaves nothing running`,
    async (project) => {
      project.write(`services: {web: {runtime: ${runtime}, command: [nothing-like-it]}}\n`);
      const { status, stderr } = await project.tsstack(['up', '-d']);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`did not start: ${runtime}: .*nothing-like-it`));
      assert.match(stderr, /install "nothing-like-it"/);
    },
    needs,
  );
}

function lives(pid: number | undefined): boolean {
  return pid !== undefined && existsSync(`/proc/${pid}`);
}

e2e(
  'a change of runtime replaces the container, and an unknown one is refused with its place',
  async (project) => {
    project.write('services: {web: {command: [sleep, "1000"]}}\n');
    await project.expect(0, 'up', '-d');
    project.write('services: {web: {command: [sleep, "1000"], runtime: io.containerd.runc.v2}}\n');
    const plan = await project.expect(0, 'plan');
    assert.match(plan, /runtime +.*runc/);
    await project.expect(0, 'up', '-d');
    assert.equal(await project.expect(0, 'plan', '--check').then(() => 'same'), 'same');
    project.write('services:\n  web:\n    command: [sleep, "1000"]\n    runtime: tsstack\n');
    await project.expect(0, 'up', '-d');
    project.write('services:\n  web:\n    command: [sleep, "1000"]\n    runtime: nonesuch\n');
    const { status, stderr } = await project.tsstack(['up', '-d']);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /stack\.yaml:4:\d+.*nonesuch.*Nothing was changed/s);
    assert.equal((await project.container('web')).status, 'running');
    await project.expect(0, 'stop', 'web');
  },
  { needs: ['runc'] },
);
