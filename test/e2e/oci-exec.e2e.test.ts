import assert from 'node:assert/strict';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { begin } from '../helpers/begin.ts';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

/** Runtimes under a name that nobody knows: taken for ones with a kernel of their own, where only they can enter. */
const RUNTIMES = { crun: '/usr/bin/crun', runc: '/usr/sbin/runc' };

for (const [name, program] of Object.entries(RUNTIMES)) {
  e2e(
    `${name} as a runtime whose containers nobody else can enter: exec, health checks and hooks go through it`,
    async (project) => {
      const runtime = join(project.scratch, `sandbox-${name}`);
      symlinkSync(program, runtime);
      const same = 'grep -E "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):" /proc/$$P/status';
      project.write(`services:
  web:
    runtime: ${runtime}
    command: [sleep, '1000']
    cap_drop: [NET_RAW]
    working_dir: /tmp
    environment: {GREETING: a b}
    post_start: [{command: [sh, -c, 'echo hook $$GREETING']}]
    healthcheck: {test: [CMD-SHELL, 'P=1; ${same} > one; P=self; ${same} | diff - one'], interval: 1s}
  hangs:
    runtime: ${runtime}
    command: [sleep, '1000']
    healthcheck: {test: [CMD, sleep, '4242'], interval: 100ms, timeout: 300ms, retries: 2}
`);
      await project.expect(0, 'up', '-d', '--wait', 'web');
      assert.equal((await project.container('web')).health, 'healthy');
      assert.equal(await project.logs('web'), '-> hook a b\n');

      const look = 'pwd; echo $GREETING $MORE; cat; id -u; echo err >&2; exit 7';
      const argv = ['exec', '-T', '-u', '33', '-e', 'MORE=c d', 'web', 'sh', '-c', look];
      const { status, stdout, stderr } = await project.tsstack(argv, { stdin: 'in\n' });
      assert.deepEqual([status, stdout, stderr], [7, '/tmp\na b c d\nin\n33\n', 'err\n']);
      const absent = await project.tsstack(['exec', '-T', 'web', 'nothing-like-it']);
      assert.notEqual(absent.status, 0);
      assert.match(absent.stderr, /nothing-like-it.*not found/);

      const shell = begin(project, ['exec', 'web', 'sh', '-c', 'tty; read -r line; stty size; exit 6'], {
        terminal: true,
      });
      await until('its terminal', () => shell.shown().includes('/dev/pts/0'));
      shell.child.stdin?.write('go\n');
      assert.equal(await shell.status, 6);
      assert.match(shell.shown(), /\b20 70\b/);

      await project.expect(0, 'up', '-d');
      await until('the end of its patience', async () => (await project.container('hangs')).health === 'unhealthy');
      const left = commands().filter((line) => line === 'sleep\u00004242\u0000').length;
      assert.ok(left <= 1, `${left} of them run, and all but the last were to be killed`);

      const copied = await project.tsstack(['cp', 'stack.yaml', 'web:/tmp/']);
      assert.equal(copied.status, 1);
      assert.match(copied.stderr, /cannot be copied while .*sandbox-.* runs it/);
    },
    { needs: [program, 'script'] },
  );
}

/** Command lines of all processes. */
function commands(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8')] : [];
    } catch {
      return [];
    }
  });
}
