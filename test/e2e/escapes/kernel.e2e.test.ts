import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { assertHeld, PERL, writeAttack } from '../../helpers/attack.ts';
import { e2e } from '../../helpers/e2e.ts';

const FILES = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/vm/panic_on_oom',
  '/proc/sys/kernel/hostname',
  '/proc/sys/kernel/core_pipe_limit',
];

for (const { what, keys } of [
  { what: 'the root of a container', keys: '' },
  { what: 'the root of a container with a user namespace', keys: '    userns_mode: auto\n' },
]) {
  e2e(
    `${what} gets nowhere at the kernel: files of it, cgroups, mounts, devices, system calls`,
    async (project) => {
      const before = FILES.map((path) => readFileSync(path, 'utf8'));
      writeAttack(project, 'kernel.pl');
      project.write(`services:
  attacker:
${keys}    command: [${PERL}, /attack.pl, '${project.scratch}/kernel.pl']
    volumes: ['./kernel.pl:/attack.pl:ro']
`);
      await project.expect(0, 'up', '-d');
      await project.exited('attacker');
      assertHeld(await project.logs('attacker'), 85);
      assert.deepEqual(
        FILES.map((path) => readFileSync(path, 'utf8')),
        before,
      );
    },
    { needs: [PERL] },
  );
}
