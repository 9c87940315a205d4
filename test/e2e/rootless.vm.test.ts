import assert from 'node:assert/strict';
import { appendFileSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { answers } from '../helpers/answers.ts';
import { freePort } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';
import { rootless, type UserProject } from '../helpers/user-project.ts';

/** Of the user, as systemd gives him one; below it a unit with `Delegate=yes`, and the one of another command. */
const USER = '/sys/fs/cgroup/user-2000';
const UNIT = `${USER}/unit`;
const OTHER = `${USER}/other`;

rootless(
  "an ordinary user's limits are kept in a cgroup that was delegated to him, and it is left as it was; ports, exec, pause",
  async (project) => {
    const port = await freePort();
    project.write(`services:
  web:
    command: [python3, -m, http.server, -d, /etc, '8000']
    ports: ['127.0.0.1:${port}:8000']
    mem_limit: 64m
    pids_limit: 50
    cpus: 0.5
`);
    await withCgroups(project, async () => {
      project.changes = `echo $$ >${UNIT}/cgroup.procs`;
      const up = await project.tsstack(['up', '-d']);
      assert.equal(up.status, 0, up.stderr);
      assert.doesNotMatch(up.stderr, /is not kept/);
      const read = (file: string) => readFileSync(`${UNIT}/tsstack/${project.name}/web.1/${file}`, 'utf8').trim();
      assert.equal(read('memory.max'), String(64 * 2 ** 20));
      assert.equal(read('pids.max'), '50');
      assert.equal(read('cpu.max'), '50000 100000');
      await answers(`127.0.0.1:${port}`);

      // The unit hands its controllers down now: the kernel lets nobody into it any more.
      project.changes = `echo $$ >${OTHER}/cgroup.procs`;
      assert.match(read('cgroup.procs'), /^\d+$/);
      const within = await project.expect(0, 'exec', '-T', 'web', 'sh', '-c', 'id -u; cat /proc/self/cgroup');
      assert.equal(within, '0\n0::/\n', "root, in the container's cgroup");
      await project.expect(0, 'pause', 'web');
      assert.match(read('cgroup.events'), /^frozen 1$/m);
      await project.expect(0, 'unpause', 'web');
      await project.expect(0, 'down');
      await until('no cgroup of ours', () => {
        const left = readdirSync(UNIT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
        assert.deepEqual(
          left.map(({ name }) => name),
          [],
        );
        return true;
      });
      assert.equal(readFileSync(`${UNIT}/cgroup.subtree_control`, 'utf8').trim(), '');
    });
  },
);

/** They can be removed only when nobody is in them. */
async function withCgroups(project: UserProject, body: () => Promise<void>): Promise<void> {
  for (const cgroup of [USER, UNIT, OTHER]) {
    mkdirSync(cgroup);
    for (const file of ['', '/cgroup.procs', '/cgroup.subtree_control']) chownSync(`${cgroup}${file}`, 2000, 2000);
  }
  appendFileSync(`${USER}/cgroup.subtree_control`, '+cpu +memory +pids');
  try {
    await body();
  } catch (error) {
    project.changes = '';
    await project.tsstack(['down', '-v', '--timeout', '1']);
    throw error;
  }
  await until('the cgroups to be empty', () => {
    for (const cgroup of [OTHER, UNIT, USER]) if (existsSync(cgroup)) rmdirSync(cgroup);
    return true;
  });
}
