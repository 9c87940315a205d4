import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AT_FDCWD, O_RDONLY } from '../../../src/runtime/launcher/constants.ts';
import { STATUS_FAILED } from '../../../src/runtime/launcher/elf.ts';
import { Program } from '../../../src/runtime/launcher/program.ts';
import { executeProgram } from '../../../src/runtime/steps/process.ts';
import { e2e } from '../../helpers/e2e.ts';
import { BUSYBOX, writeProgram, writeRootfs } from '../../helpers/evil-rootfs.ts';

e2e(
  'a setuid program of an image makes nobody root under no-new-privileges, whoever executes it',
  async (project) => {
    writeRootfs(join(project.scratch, 'root'));
    const program = new Program([0, 1, 2]);
    // busybox itself gives up what it has by setuid; so the program does what only root can, and then says so.
    program.open('openat', [AT_FDCWD, '/secret', O_RDONLY, 0], 'open what is of root alone');
    executeProgram(program, { argv: ['/bin/echo', 'root'], env: {} });
    writeFileSync(join(project.scratch, 'root/secret'), 'secret', { mode: 0o600 });
    writeProgram(join(project.scratch, 'root/bin/become-root'), program.calls);
    chmodSync(join(project.scratch, 'root/bin/become-root'), 0o4755);
    const service = (name: string, keys: string) => `  ${name}:
    x-rootfs: ./root
    user: '65532:65532'
    command: [sleep, infinity]
    stop_grace_period: 0s
    volumes: ['./root/bin:/volume:ro']
${keys}`;
    project.write(`services:
${service('with', '')}${service('without', "    security_opt: ['no-new-privileges:true']\n")}`);
    await project.expect(0, 'up', '-d');
    const status = async (...args: string[]) => (await project.tsstack(args)).status;
    assert.equal(await project.expect(0, 'exec', 'with', 'become-root'), 'root\n', 'it works where it may');
    for (const path of ['become-root', '/volume/become-root', '/proc/self/root/bin/become-root']) {
      assert.equal(await status('exec', '-T', 'without', path), STATUS_FAILED, path);
    }
    assert.equal(await status('run', '--rm', '-T', 'without', 'become-root'), STATUS_FAILED);
  },
  { needs: [BUSYBOX] },
);
