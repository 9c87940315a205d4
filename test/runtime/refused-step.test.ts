import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Security } from '../../src/model/limits.ts';
import type { KernelFacts } from '../../src/runtime/kernel-facts.ts';
import { checkLastSteps } from '../../src/runtime/last-steps.ts';
import { Program } from '../../src/runtime/launcher/program.ts';
import { containerFilter } from '../../src/runtime/seccomp/filter.ts';
import { refuseFilter } from '../../src/runtime/seccomp/refused-step.ts';
import { becomeProcess, executeProgram, stayAsInit } from '../../src/runtime/steps/process.ts';
import { containerSpec, FACTS, SECURITY } from '../helpers/launch-config.ts';

interface Wanted {
  readonly init?: boolean;
  readonly security?: Partial<Security>;
  readonly arch?: KernelFacts['arch'];
}

/** Whether a profile that answers `names` with `action`, and lets everything else pass, lets a container start. */
function check(names: readonly string[], rule: Readonly<Record<string, unknown>>, wanted: Wanted = {}): void {
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, ...rule }] };
  const { init = false, security, arch = 'x86_64' } = wanted;
  const spec = containerSpec({ init, security: { ...SECURITY, ...security, seccomp: '/p.json' } });
  checkLastSteps(spec, { ...FACTS, arch }, JSON.stringify(profile));
}

const KILL = { action: 'SCMP_ACT_KILL_PROCESS' };
const UNDER_FILTER = 'prctl setgroups setresgid setresuid capset close_range execve'.split(' ');

for (const arch of ['x86_64', 'aarch64'] as const) {
  test(`a profile that refuses a later step of a start is an error with the step and the profile, on ${arch}`, () => {
    for (const name of UNDER_FILTER) {
      for (const rule of [
        KILL,
        { action: 'SCMP_ACT_TRAP' },
        { action: 'SCMP_ACT_ERRNO', errnoRet: 0 },
        { action: 'SCMP_ACT_TRACE' },
      ]) {
        const expected = new RegExp(
          `^TsstackError: The seccomp profile /p\\.json refuses ${name}\\(2\\), and a start needs it to \\w`,
        );
        assert.throws(() => check([name], rule, { arch }), expected, `${name} ${rule.action}`);
      }
      check([name], { action: 'SCMP_ACT_LOG' }, { arch });
    }
    check(['mount', 'umask', 'setsid', 'chdir', 'prlimit64'], KILL, { arch });
  });

  test(`with an init it must pass what that calls, too, on ${arch}`, () => {
    for (const name of ['clone', 'wait4', 'rt_sigtimedwait', 'kill', 'setpgid', 'exit_group', 'rt_sigprocmask']) {
      check([name], KILL, { arch });
      assert.throws(() => check([name], KILL, { arch, init: true }), new RegExp(`refuses ${name}\\(2\\)`), name);
    }
  });
}

test('with no_new_privs the filter comes last, and only what comes behind it must pass', () => {
  const security = { noNewPrivileges: true };
  check(['setresuid', 'capset', 'prctl'], KILL, { security });
  assert.throws(() => check(['execve'], KILL, { security }), /refuses execve\(2\), and a start needs it to run/);
});

test('conditions on arguments count, and errors that a step tolerates', () => {
  const subreaper = { args: [{ index: 0, value: 36, op: 'SCMP_CMP_EQ' }] };
  check(['prctl'], { ...KILL, ...subreaper });
  assert.throws(() => check(['prctl'], { ...KILL, ...subreaper }, { init: true }), /to be who orphans go to/);
  check(['prctl'], { action: 'SCMP_ACT_ERRNO', errnoRet: 22, ...subreaper }, { init: true });
});

test('what has a runtime of its own, or no filter, is not asked', () => {
  const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_KILL' });
  for (const changes of [{ runtime: 'crun' }, { security: { ...SECURITY, privileged: true, seccomp: '/p.json' } }]) {
    const spec = containerSpec({ security: { ...SECURITY, seccomp: '/p.json' }, ...changes });
    checkLastSteps(spec, FACTS, profile);
  }
});

test('the default profile lets every start pass, as nobody asks it again', () => {
  const identity = { uid: 0, gid: 0, groups: [0], home: '/' };
  for (const arch of ['x86_64', 'aarch64'] as const) {
    for (const capabilities of [[], ['CHOWN', 'SETUID'], ['SYS_ADMIN']]) {
      for (const noNewPrivileges of [true, false]) {
        const kernel = { ...FACTS, arch };
        const security = { ...SECURITY, noNewPrivileges };
        const filter = containerFilter({ security, kernel, capabilities });
        const program = new Program([0, 1, 2]);
        const spec = { ...containerSpec(), security };
        const config = { spec, kernel, identity, capabilities, filter, workingDir: '/', userNamespace: undefined };
        becomeProcess(program, config, 'kill');
        stayAsInit(program);
        executeProgram(program, { argv: ['true'], env: { PATH: '/bin:/usr/bin' } });
        refuseFilter(program.calls, { filter, profile: '/as/if/own.json', arch });
      }
    }
  }
});
