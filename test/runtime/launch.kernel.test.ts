import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { missingForKernelTests, Sandbox, waitFor } from '../helpers/kernel-container.ts';
import { containerSpec, SECURITY } from '../helpers/launch-config.ts';

const missing = missingForKernelTests();

describe('a launched container', { skip: missing === undefined ? false : `needs ${missing}` }, () => {
  let sandbox: Sandbox;
  before(() => {
    sandbox = new Sandbox();
  });
  after(() => sandbox.remove());

  const shell = (script: string, spec: Partial<ContainerSpec> = {}, changes: Partial<LaunchConfig> = {}) =>
    sandbox.run(sandbox.config({ ...spec, argv: ['/bin/sh', '-c', script] }, changes));

  for (const [script, expected] of [
    ['exit 37', '3 37\n'],
    ['true', '3 0\n'],
    ['/bin/busybox sleep 100 & /bin/sh -c "kill -9 $!"; wait $!; exit $?', '3 137\n'],
  ] as const) {
    test(`leaves run and status in its exit file: ${script}`, async () => {
      assert.equal((await shell(script, {}, { run: 3 })).status, expected);
    });
  }

  test('writes its output and errors into its log, one behind the other, and keeps what is there', async () => {
    const config = sandbox.config({ argv: ['/bin/sh', '-c', 'echo one; echo two >&2; echo three'] });
    writeFileSync(config.paths.log, 'zero\n');
    assert.equal((await sandbox.run(config)).output, 'zero\none\ntwo\nthree\n');
  });

  test('that ends by a signal has 128 and its number as status, and no one else sees the signal', async () => {
    const container = await sandbox.start(sandbox.config({ argv: ['sleep', '1000'] }));
    process.kill(container.pid, 'SIGKILL');
    assert.equal(await sandbox.exit(container), '1 137\n');
  });

  test('has a chain above it that survives the signals of a terminal and of a shutdown', async () => {
    const container = await sandbox.start(sandbox.config({ argv: ['sleep', '1000'] }));
    const chain = Number.parseInt(readFileSync(container.paths.chain, 'utf8'), 10);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.kill(chain, signal);
    process.kill(container.pid, 'SIGKILL');
    assert.equal(await sandbox.exit(container), '1 137\n');
  });

  test('is written down as the host knows it: pid and start time of pid 1 and of the chain', async () => {
    const container = await sandbox.start(sandbox.config({ argv: ['sleep', '1000'] }));
    const startTime = (line: string) => line.slice(line.lastIndexOf(')')).split(' ')[20];
    for (const file of [container.paths.init, container.paths.chain]) {
      const line = readFileSync(file, 'utf8');
      assert.equal(startTime(line), startTime(readFileSync(`/proc/${Number.parseInt(line, 10)}/stat`, 'utf8')));
    }
    assert.match(readFileSync(`/proc/${container.pid}/status`, 'utf8'), /^NSpid:\t\d+\t1$/m);
    process.kill(container.pid, 'SIGKILL');
    await sandbox.exit(container);
  });

  test('leaves no mount and no launcher file behind', async () => {
    const config = sandbox.config({ argv: ['true'] });
    await sandbox.run(config);
    assert.equal(existsSync(config.paths.launcher), false);
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${sandbox.directory}/`));
  });

  for (const [argv, message, status] of [
    [['no-such-program'], /^run "no-such-program": no such program in the container/, '1 127\n'],
    [['/etc/passwd'], /^run "\/etc\/passwd": not executable \(EACCES\)$/, '1 126\n'],
  ] as const) {
    test(`says why it cannot run ${argv.join(' ')}, and leaves a status`, async () => {
      const config = sandbox.config({ argv });
      await assert.rejects(sandbox.start(config), { message });
      assert.equal(await sandbox.exit(config), status);
    });
  }

  test('says so when its launch fails before the launcher', async () => {
    const config = sandbox.config({}, { cgroupJoinFiles: ['/sys/fs/cgroup/tsstack-none/cgroup.procs'] });
    await assert.rejects(sandbox.start(config), { message: /tsstack-none\/cgroup.procs/ });
    assert.match(await sandbox.exit(config), /^1 [1-9]/);
  });

  test('says which volume is missing', async () => {
    const mount = { type: 'bind', source: '/no/such', sourceIsDirectory: true, target: '/v', readOnly: false } as const;
    await assert.rejects(sandbox.start(sandbox.config({}, { mounts: [mount] })), {
      message: 'take /no/such: no such file or directory (ENOENT)',
    });
  });

  test('has none of the descriptors that its starter had', async () => {
    const leaked = Array.from({ length: 20 }, () => openSync('/etc', 'r'));
    const container = await sandbox.start(sandbox.config({ argv: ['sh', '-c', 'ls /proc/1/fd; :'] }), leaked);
    await sandbox.exit(container);
    assert.equal(container.log(), '0\n1\n2\n');
  });

  test('cannot have a working directory that a descriptor of its launch leads to', async () => {
    const leaked = Array.from({ length: 58 }, (_, index) => openSync(index % 2 === 0 ? '/' : '/etc', 'r'));
    for (let descriptor = 0; descriptor < 64; descriptor += 1) {
      const workingDir = `/proc/self/fd/${descriptor}`;
      await assert.rejects(sandbox.start(sandbox.config({ workingDir }), leaked), /proc\/self\/fd/, workingDir);
    }
  });

  test('has the identity, limits, kernel parameters and names that were asked for', async () => {
    const spec: Partial<ContainerSpec> = {
      hostname: 'hal',
      domainname: 'discovery',
      workingDir: '/made/by/launch',
      sysctls: { 'net.core.somaxconn': '77', 'kernel.msgmax': '4242' },
      ulimits: { nofile: { soft: 100, hard: 200 } },
      resources: { oomScoreAdj: 321 },
      shmSizeBytes: 1_048_576,
      env: { WORD: "it's $HOME" },
    };
    const identity = { uid: 1234, gid: 77, groups: [77, 5], home: '/somewhere' };
    const script = `id -u; id -G; grep -E 'CapEff|CapBnd' /proc/self/status | tr '\\t' ' '; pwd; hostname; cat /proc/sys/kernel/domainname
      cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj
      df -k /dev/shm | awk 'END{print $2}'; echo "$WORD,$HOME"; cat /proc/sys/net/ipv4/ip_unprivileged_port_start`;
    const { output } = await shell(script, spec, { identity });
    assert.deepEqual(output.trim().split('\n'), [
      '1234',
      '77 5',
      'CapEff: 0000000000000000',
      `CapBnd: 00000000a${sandbox.kernel.cgroupVersion === 1 ? '8' : '0'}0425fb`,
      '/made/by/launch',
      'hal',
      'discovery',
      '77',
      '4242',
      '100',
      '200',
      '321',
      '1024',
      "it's $HOME,/somewhere",
      '0',
    ]);
  });

  test('stays as pid 1 with init: reaps, passes signals and the status on, and can be neither read nor written', async () => {
    const script = `trap 'echo term; exit 9' TERM; echo $$; cat /proc/1/comm; (sleep 0.05 &) ; sleep 0.2
      grep -c '^State:.*zombie' /proc/[0-9]*/status | grep -c ':1'; ( : >>/proc/1/exe ) || true; kill 1; while :; do sleep 0.05; done`;
    const { status, output } = await shell(script, { init: true });
    assert.equal(status, '1 9\n');
    assert.match(output, /^[2-9]\ninit\n0\n/);
    assert.match(output, /exe: (Permission denied|No such file|Text file busy)/);
    assert.match(output, /\nterm\n$/);
  });

  test('can be written to on standard input, which does not end, with stdin_open', async () => {
    const config = sandbox.config({
      stdinOpen: true,
      argv: ['sh', '-c', 'read a; echo "got $a"; read b; echo "and $b"'],
    });
    const container = await sandbox.start(config);
    for (const word of ['one', 'two']) {
      writeFileSync(join(config.paths.directory, 'stdin'), `${word}\n`);
      await waitFor('log', () => (container.log().includes(word) ? 'there' : ''));
    }
    assert.equal(await sandbox.exit(container), '1 0\n');
    assert.equal(container.log(), 'got one\nand two\n');
  });

  test('shares the namespaces that it is told to share, and has all others of its own', async () => {
    const names = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];
    const host = new Map(
      names.map((name) => [name, execFileSync('readlink', [`/proc/self/ns/${name}`], { encoding: 'utf8' })]),
    );
    const shared = async (modes: Partial<ContainerSpec['namespaces']>, changes: Partial<LaunchConfig> = {}) => {
      const namespaces = { ...containerSpec().namespaces, ...modes };
      const script = `for n in ${names.join(' ')}; do echo $n $(readlink /proc/self/ns/$n); done`;
      const { output } = await shell(script, { namespaces }, changes);
      return output
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
        .filter(([name = '', id]) => `${id}\n` === host.get(name))
        .map(([name]) => name)
        .join(' ');
    };
    assert.equal(await shared({}), 'time user');
    assert.equal(await shared({ time: 'private' }), 'user');
    const all = { pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host' } as const;
    assert.equal(await shared(all, { network: { type: 'host' } }), 'cgroup ipc net pid time user uts');
  });

  test('uses the seccomp profile that it was given', async () => {
    const seccompProfile = JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    });
    const { output } = await shell('mkdir /x', { security: { ...SECURITY, seccomp: '/p.json' } }, { seccompProfile });
    assert.match(output, /Not supported|Operation not supported/);
  });
});
