import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildExec } from '../../src/runtime/exec.ts';
import { execProgram } from '../../src/runtime/exec-program.ts';
import { buildLaunch } from '../../src/runtime/launch.ts';
import { containerSpec, launchConfig } from '../helpers/launch-config.ts';
import { simulate } from '../helpers/launcher-simulator.ts';

const USER_NAMESPACE = { ...containerSpec().namespaces, user: 'private' } as const;

const EXEC = {
  spec: containerSpec(),
  pid: 4711,
  argv: ['ls', '-l'],
  env: {},
  workingDir: '/',
  identity: launchConfig().identity,
  cgroupJoinFiles: ["/sys/fs/cgroup/it's/cgroup.procs"],
  kernel: launchConfig().kernel,
  privileged: false,
};

test('buildExec() gives the calls of golden/exec.txt', () => {
  const file = new URL('golden/exec.txt', import.meta.url);
  const exec = buildExec({ ...EXEC, tty: true });
  const text = `${JSON.stringify(exec.argv, null, 1)}\n${exec.listing}`;
  if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
});

test('an exec launcher uses only open descriptors, with and without a terminal', () => {
  for (const tty of [true, false]) {
    const calls = execProgram({ ...EXEC, tty });
    assert.deepEqual(simulate(calls, new Set(), [0, 1, 2, 3, 4, 5, 8]).open, [0, 1, 2, 5]);
    const mapped = execProgram({ ...EXEC, spec: containerSpec({ namespaces: USER_NAMESPACE }), tty });
    assert.deepEqual(simulate(mapped, new Set(), [0, 1, 2, 3, 4, 5, 8]).open, [0, 1, 2, 5]);
  }
});

test('buildExec() ends with the same identity, limits and filter as buildLaunch()', () => {
  const tail = (listing: string) => listing.slice(listing.indexOf('set limit core')).replace(/^\d+(-\d+)? /gm, '');
  const ours = tail(buildExec({ ...EXEC, tty: false }).listing).replace(/^prctl: end when the parent ends\n/m, '');
  const theirs = tail(buildLaunch(launchConfig()).listing);
  const upToExecution = (text: string) => text.slice(0, text.indexOf('execve'));
  assert.equal(upToExecution(ours), upToExecution(theirs));
});
