import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { DEFAULT_PROFILE, LOADED_PROFILES } from '../../src/model/apparmor.ts';
import { e2e, freePort, http } from '../helpers/e2e.ts';

/** Few commands, for the emulated host: each takes ten seconds there. */
const stack = (port: number, limit: string) => `services:
  web:
    command: [busybox, httpd, -f, -p, "80", -h, /etc]
    ports: ["${port}:80"]
    mem_limit: ${limit}
    pids_limit: 20
    cpus: 0.5
    healthcheck: {test: [CMD, busybox, wget, -q, -O, /dev/null, "http://127.0.0.1/hostname"], timeout: 60s}
  hog:
    command: [sh, -c, "x=a; while :; do x=$$x$$x; done"]
    mem_limit: 16m
`;

e2e(
  'a stack answers on its port, is held to its limits, is changed in place and leaves nothing',
  async (project) => {
    const port = await freePort();
    project.write(stack(port, '32m'));
    await project.expect(0, 'up', '-d');
    assert.match(await http(`http://127.0.0.1:${port}/hostname`), /\S/);
    const hog = await project.exited('hog');
    assert.deepEqual([hog.exitCode, hog.oomKilled], [137, true]);
    assert.equal(project.cgroup('web', 'memory/memory.limit_in_bytes', 'memory.max'), String(32 * 2 ** 20));
    assert.equal(project.cgroup('web', 'pids/pids.max', 'pids.max'), '20');
    const { pid } = await project.container('web');
    // Where there is AppArmor; `doctor --residue` says whether it is gone at the end.
    if (existsSync(LOADED_PROFILES)) {
      assert.equal(readFileSync(`/proc/${pid}/attr/current`, 'utf8'), `${DEFAULT_PROFILE} (enforce)\n`);
    }

    project.write(stack(port, '48m'));
    await project.expect(0, 'up', '-d', 'web');
    const after = await project.container('web');
    assert.deepEqual([after.pid, after.health], [pid, 'healthy']);
    assert.equal(project.cgroup('web', 'memory/memory.limit_in_bytes', 'memory.max'), String(48 * 2 ** 20));
  },
  { needs: ['busybox', 'ip', 'nft'] },
);
