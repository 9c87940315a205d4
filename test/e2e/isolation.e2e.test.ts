import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { failures, PROBE, PROBE_ARGV, probeLines, STRICT, verdicts, writeProbe } from '../helpers/probe.ts';
import { output, until } from '../helpers/run.ts';

/** What a container is given that Compose files count on: docs/security.md says why, one by one. */
const GIVEN_BY_DEFAULT = [
  'hard.cap.no-mknod-netraw-audit',
  'hard.cap.all-dropped',
  'hard.priv.no-new-privs',
  'hard.user.non-root',
  'hard.mount.rootfs-ro',
  'hard.mount.rootfs-nosuid',
  'hard.sys.ptrace',
  'hard.limit.memory',
];
/** A user namespace takes these away. */
const OF_HOST_ROOT = ['hard.ns.user', 'hard.sys.socket-packet', 'hard.sys.socket-raw'];

const CASES = [
  { what: 'a service with default settings', keys: '', failed: [...GIVEN_BY_DEFAULT, ...OF_HOST_ROOT] },
  { what: 'a service with a user namespace', keys: '    userns_mode: auto\n', failed: GIVEN_BY_DEFAULT },
  { what: 'a strict service', keys: STRICT, failed: ['hard.ns.user', 'hard.sys.ptrace'] },
  {
    what: 'a strict service with a user namespace',
    keys: `${STRICT}    userns_mode: auto\n`,
    failed: ['hard.sys.ptrace'],
  },
];

for (const { what, keys, failed } of CASES) {
  e2e(
    `${what} passes every core check of the isolation probe, and ${17 - failed.length} of 17 hard ones`,
    async (project) => {
      const lines = await probeLines(project, keys);
      assert.match(lines.join('\n'), /^SCORE core (\d+)\/\1 hard \d+\/18$/m);
      assert.deepEqual([...failures(lines)].sort(), [...failed].sort());
    },
    { needs: [PROBE] },
  );
}

for (const { what, keys } of [
  { what: 'of root', keys: '' },
  { what: 'of a user', keys: "    user: '65532:65532'\n" },
]) {
  e2e(
    `exec, health checks and hooks are as confined as pid 1, ${what}, also after a restart and after a daemon that was killed`,
    async (project) => {
      chmodSync(project.scratch, 0o777);
      // One after the other: it counts the processes that it sees.
      const script = `{ until mkdir /out/turn 2>/dev/null; do sleep 0.1; done; ${PROBE_ARGV.join(' ')}; rmdir /out/turn; }`;
      await writeProbe(
        project,
        `${keys}    init: true
    healthcheck:
      test: [CMD-SHELL, '[ -e /out/health ] || { ${script} >/out/health.part; mv /out/health.part /out/health; }']
      timeout: 60s
      interval: 1s
    post_start:
      - command: [sh, -c, '${script} >/out/hook.part; mv /out/hook.part /out/hook']
`,
        ['sh', '-c', `${script}; exec sleep infinity`],
      );
      await project.expect(0, 'up', '-d', '--wait');
      const [first = []] = await runsOf(project, 1);
      assert.deepEqual(
        failures(first),
        [...failures(first)].filter((name) => name.startsWith('hard.')),
      );
      assert.ok(first.length > 150, first.join('\n'));
      assert.deepEqual(
        verdicts((await project.expect(0, 'exec', 'probe', ...PROBE_ARGV)).split('\n')),
        verdicts(first),
      );
      for (const name of ['health', 'hook']) {
        assert.deepEqual(
          verdicts(readFileSync(join(project.scratch, name), 'utf8').split('\n')),
          verdicts(first),
          name,
        );
      }

      await project.expect(0, 'restart', '-t', '0', 'probe');
      const [, second = []] = await runsOf(project, 2);
      assert.deepEqual(verdicts(second), verdicts(first), 'after a restart');

      const { pid } = await project.container('probe');
      await killDaemon(project);
      process.kill(Number(pid), 'SIGKILL');
      // Whoever had the turn has ended.
      rmSync(join(project.scratch, 'turn'), { recursive: true, force: true });
      await project.expect(0, 'up', '-d');
      const [, , third = []] = await runsOf(project, 3);
      assert.deepEqual(verdicts(third), verdicts(first), 'after the daemon was killed, and the container with it');
    },
    { needs: [PROBE, 'curl'] },
  );
}

/** Lines of the first runs of the probe by pid 1, which log one after the other. */
async function runsOf(project: Project, count: number): Promise<readonly (readonly string[])[]> {
  const runs = await until(`run ${count} of the probe to end`, async () => {
    const ended = (await project.logs('probe')).split(/^(?=SCORE .*$)/m);
    return ended.length > count && ended;
  });
  return runs.map((text) => text.split('\n'));
}

e2e("a service without an image sees the host's programs and none of its data", async (project) => {
  project.write('services:\n  web:\n    command: [sleep, infinity]\n');
  await project.expect(0, 'up', '-d');
  const listed = await project.expect(
    0,
    'exec',
    'web',
    'sh',
    '-c',
    'ls -A /root /home /srv /mnt /boot /var/lib /run; :',
  );
  assert.doesNotMatch(listed, /dpkg|tsstack|\.ssh|netns/);
  assert.notEqual((await project.tsstack(['exec', 'web', 'cat', '/etc/shadow'])).status, 0);
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo x > /usr/bin/tsstack-e2e-probe');
  assert.equal((await output('sh', '-c', 'ls /usr/bin/tsstack-e2e-probe 2>/dev/null || echo none')).trim(), 'none');
});
