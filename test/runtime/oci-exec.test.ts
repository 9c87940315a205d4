import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRuntimeExec, type ExecConfig } from '../../src/runtime/exec.ts';
import type { OciProcess } from '../../src/runtime/oci/config.ts';
import { runtimeExecProgram } from '../../src/runtime/oci/exec.ts';
import { containerSpec, launchConfig, SECURITY } from '../helpers/launch-config.ts';

function execConfig(changes: Partial<ExecConfig> = {}): ExecConfig {
  const { kernel, identity } = launchConfig();
  return {
    spec: containerSpec({ security: { ...SECURITY, capDrop: ['ALL'], capAdd: ['CHOWN'] } }),
    pid: 1234,
    argv: ['psql', '--password=hidden'],
    env: { TOKEN: 'hidden' },
    workingDir: '/srv',
    identity,
    cgroupJoinFiles: ['/sys/fs/cgroup/tsstack/demo/web.1/cgroup.procs'],
    kernel,
    tty: false,
    privileged: false,
    ...changes,
  };
}

const RUNTIME = { program: '/usr/bin/runsc', paths: { directory: '/run/tsstack/demo/web.1' } };

test('buildRuntimeExec() gives the process to the runtime in memory: nothing of it is in an argv', () => {
  const { argv, hostTerminal } = buildRuntimeExec(execConfig(), RUNTIME);
  assert.doesNotMatch(argv.join(' '), /hidden|psql|cgroup/);
  assert.equal(hostTerminal, true);
  const calls = runtimeExecProgram(execConfig(), RUNTIME);
  const executed = textOf(calls.at(-1)?.args);
  assert.match(executed, /runsc.*--root \S+\/oci\/state exec --process \/proc\/self\/fd\/3 demo\.web\.1 PATH=/);
  assert.doesNotMatch(executed, /hidden|psql/);
  const written = calls.find(({ words }) => words === 'write into it what to execute');
  const told = JSON.parse(String(written?.args[1])) as OciProcess;
  assert.deepEqual(
    [told.args, told.cwd, told.capabilities.bounding],
    [['psql', '--password=hidden'], '/srv', ['CAP_CHOWN']],
  );
  assert.ok(told.env.includes('TOKEN=hidden'));
});

test('buildRuntimeExec() gives a privileged one all capabilities, and one with a terminal the one that it was given', () => {
  const calls = runtimeExecProgram(execConfig({ privileged: true, tty: true }), RUNTIME);
  const written = calls.find(({ words }) => words === 'write into it what to execute');
  const told = JSON.parse(String(written?.args[1])) as OciProcess;
  assert.ok(told.capabilities.effective.includes('CAP_SYS_ADMIN'));
  assert.equal(told.terminal, true);
  assert.ok(calls.some(({ words }) => words === 'make it the controlling terminal'));
});

/** The strings of a call's arguments, those that they point to included. */
function textOf(args: unknown): string {
  if (typeof args === 'string') return args;
  if (args instanceof Uint8Array || typeof args !== 'object' || args === null) return '';
  return Object.values(args)
    .map(textOf)
    .filter((text) => text !== '')
    .join(' ');
}
