import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { Security } from '../../src/model/limits.ts';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { buildExec } from '../../src/runtime/exec.ts';
import { execBase, missingForKernelTests, openLauncher, Sandbox, waitFor } from '../helpers/kernel-container.ts';
import { containerSpec, SECURITY } from '../helpers/launch-config.ts';

const missing = missingForKernelTests();

/** Everything that the kernel tells of what a process is and may do, but for what is its own (pid, memory, counters). */
function identity(pid: number): Readonly<Record<string, string>> {
  const directory = `/proc/${pid}`;
  const file = (name: string) => readFileSync(`${directory}/${name}`, 'utf8').trim();
  const fields =
    /^(Umask|Uid|Gid|Groups|NStgid|Sig(Blk|Ign|Cgt)|Cap\w+|NoNewPrivs|Seccomp\w*|Speculation\w+|Cpus_allowed)$/;
  const status = Object.fromEntries(
    file('status')
      .split('\n')
      .map((line) => line.split(/:\s*/, 2))
      .filter(([name = '']) => fields.test(name) && name !== 'NStgid')
      .map(([name = '', value = '']) => [name, value.trim()]),
  );
  const namespaces = readdirSync(`${directory}/ns`).map((name) => [
    `ns/${name}`,
    readlinkSync(`${directory}/ns/${name}`),
  ]);
  const label = () => {
    try {
      return file('attr/current');
    } catch (error) {
      // No module gives labels here.
      if (error instanceof Error && 'code' in error && error.code === 'EINVAL') return 'none';
      throw error;
    }
  };
  return {
    ...status,
    ...Object.fromEntries(namespaces),
    limits: file('limits'),
    cgroup: file('cgroup'),
    label: label(),
    oomScore: file('oom_score_adj'),
    root: readlinkSync(`${directory}/root`),
    cwd: readlinkSync(`${directory}/cwd`),
    personality: file('personality'),
    descriptors: readdirSync(`${directory}/fd`).join(' '),
    timers: file('timerslack_ns'),
  };
}

const PROFILE = JSON.stringify({
  defaultAction: 'SCMP_ACT_ALLOW',
  flags: ['SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
  syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
});

interface Case {
  readonly spec?: Partial<ContainerSpec>;
  readonly security?: Partial<Security>;
  readonly changes?: Partial<LaunchConfig>;
}

const USER = { uid: 1000, gid: 100, groups: [100, 7, 4000], home: '/' };

const CASES: Readonly<Record<string, Case>> = {
  default: {},
  'a user with groups': { changes: { identity: USER } },
  'a user without new privileges': { changes: { identity: USER }, security: { noNewPrivileges: true } },
  'other capabilities': { security: { capDrop: ['ALL'], capAdd: ['NET_ADMIN', 'SYS_TIME'] } },
  'no new privileges': { security: { noNewPrivileges: true } },
  'a user namespace': { spec: { namespaces: { ...containerSpec().namespaces, user: 'private' } } },
  'a user in a user namespace': {
    spec: { namespaces: { ...containerSpec().namespaces, user: 'private' } },
    changes: { identity: USER },
  },
  'its own seccomp profile': { security: { seccomp: '/p.json' }, changes: { seccompProfile: PROFILE } },
  'no seccomp profile': { security: { seccomp: 'unconfined' } },
  'limits and a score': {
    spec: {
      ulimits: { nofile: { soft: 50, hard: 60 }, nproc: { soft: 70, hard: 80 } },
      resources: { oomScoreAdj: 300 },
    },
  },
  'an init': { spec: { init: true } },
  privileged: { security: { privileged: true } },
  'namespaces of the host': {
    spec: { namespaces: { ...containerSpec().namespaces, ipc: 'host', uts: 'host', cgroup: 'host' } },
  },
};

describe('what is executed in a container is what pid 1 is', {
  skip: missing === undefined ? false : `needs ${missing}`,
}, () => {
  let sandbox: Sandbox;
  before(() => {
    sandbox = new Sandbox();
  });
  after(() => sandbox.remove());

  /** Starts a program in it that stays; gives its pid, and ends it when done. */
  async function beside(config: LaunchConfig, pid: number, use: (pid: number) => void): Promise<void> {
    const { seccompProfile } = config;
    const own = seccompProfile === undefined ? {} : { seccompProfile };
    const exec = buildExec({ ...execBase(config, pid), ...own, argv: ['sleep', '1000'], tty: false });
    const { descriptor, close } = openLauncher(join(sandbox.directory, `exec-${Math.random()}`), exec.launcher);
    const [program = '', ...args] = exec.argv;
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', descriptor, 'ignore', 'ignore'] });
    close();
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      const parent = child.pid ?? 0;
      const children = () => readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
      await waitFor('the program', () => {
        const found = children();
        return found !== '' && readFileSync(`/proc/${found}/comm`, 'utf8') === 'sleep\n' ? found : '';
      });
      use(Number(children()));
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }

  for (const [what, { spec = {}, security = {}, changes = {} }] of Object.entries(CASES)) {
    test(what, async () => {
      const wanted = { ...spec, security: { ...SECURITY, ...security }, argv: ['sleep', '1000'] };
      const config = sandbox.config(wanted, changes);
      const container = await sandbox.start(config);
      // With an init the program is its child; both are the container's.
      const [program = container.pid] =
        spec.init === true
          ? readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').split(' ').map(Number)
          : [];
      await beside(config, container.pid, (pid) => {
        assert.notEqual(pid, program);
        const first = identity(program);
        assert.deepEqual(identity(pid), first);
        assert.ok(Object.keys(first).length > 30, Object.keys(first).join(' '));
        assert.equal(first['descriptors'], '0 1 2');
        assert.equal(first['CapInh'], '0000000000000000');
        assert.equal(first['CapAmb'], '0000000000000000');
        const filtered = security.privileged === true || security.seccomp === 'unconfined' ? '0' : '1';
        assert.equal(first['Seccomp_filters'], filtered);
      });
    });
  }
});
