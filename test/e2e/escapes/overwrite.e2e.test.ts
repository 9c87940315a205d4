import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TSSTACK } from '../../helpers/client.ts';
import { e2e } from '../../helpers/e2e.ts';
import { BUSYBOX, EVIL, OVERWRITTEN, writeEvilRootfs } from '../../helpers/evil-rootfs.ts';
import { run, until } from '../../helpers/run.ts';

/** Programs of the host that take part in a start, an exec, a network, or could. */
const PROGRAMS = [
  'sh',
  'dash',
  'bash',
  'nsenter',
  'unshare',
  'setpriv',
  'mount',
  'umount',
  'chroot',
  'ip',
  'nft',
  'tc',
];
const DIRECTORIES = ['/bin', '/sbin', '/usr/bin', '/usr/sbin'];

/** Opens whatever runs in the container and is not its own busybox, and overwrites it, as often as it can. */
const HUNTER = `while :; do for exe in /proc/[0-9]*/exe; do
  [ $exe -ef /bin/busybox ] || { for i in 1 2 3 4 5 6 7 8 9; do echo ${OVERWRITTEN} >/proc/self/fd/9 && break; done; } 9<$exe
done; done 2>/dev/null`;

function hashes(): Readonly<Record<string, string>> {
  const programs = DIRECTORIES.flatMap((directory) => PROGRAMS.map((name) => join(directory, name)));
  const files = [...programs.filter((path) => existsSync(path)), process.execPath, TSSTACK, BUSYBOX];
  const own = globSync('dist/**/*.{js,mjs,cjs}', { cwd: ROOT }).map((name) => join(ROOT, name));
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  return Object.fromEntries([...files, ...own].map((path) => [path, hash(path)]));
}

e2e(
  'no program of the host is overwritten through /proc/self/exe: run, exec, one-offs, health checks, hooks (CVE-2019-5736)',
  async (project) => {
    const before = hashes();
    assert.ok(Object.keys(before).length > 10);
    writeEvilRootfs(join(project.scratch, 'root'));
    project.write(HUNTER, 'root/bin/hunter');
    project.write(`services:
  victim:
    x-rootfs: ./root
    command: [sh, /bin/hunter]
    cpus: 0.5
    stop_grace_period: 0s
    healthcheck: { test: [CMD, ${EVIL}], interval: 1s, retries: 1 }
  started:
    x-rootfs: ./root
    command: [${EVIL}]
    profiles: [started]
  hooked:
    x-rootfs: ./root
    command: [sleep, infinity]
    stop_grace_period: 0s
    profiles: [hooked]
    post_start: [{ command: [${EVIL}] }]
    pre_stop: [{ command: [${EVIL}] }]
`);
    await project.expect(0, 'up', '-d');
    const { pid } = await project.container('victim');
    assert.ok(pid !== undefined);

    // The attack works on a program that enters a container with the host's loader: it would be seen.
    const copy = join(project.scratch, 'nsenter');
    copyFileSync('/usr/bin/nsenter', copy);
    await run([copy, '-t', String(pid), '-m', '-p', '-r', '-w', EVIL]);
    await until('a copy of nsenter to be overwritten', () => readFileSync(copy).includes(OVERWRITTEN), 20_000);

    for (const args of [
      ['exec', 'victim', EVIL],
      ['exec', '-T', 'victim', 'sh', '-c', `exec ${EVIL}`],
    ]) {
      for (let round = 0; round < 5; round += 1) assert.notEqual((await project.tsstack(args)).status, 0);
    }
    assert.notEqual((await project.tsstack(['run', '--rm', 'victim', EVIL])).status, 0);
    await project.tsstack(['--profile', 'started', 'up', '-d', 'started']);
    assert.notEqual((await project.tsstack(['--profile', 'hooked', 'up', '-d', 'hooked'])).status, 0);
    await project.tsstack(['stop', 'hooked']);
    await until('a health check', async () => (await project.container('victim')).health === 'unhealthy');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.deepEqual(hashes(), before);
  },
  { needs: [BUSYBOX, '/usr/bin/nsenter'] },
);
