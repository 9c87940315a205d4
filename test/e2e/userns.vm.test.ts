import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Asked } from '../helpers/asked.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

const STATE = '/var/lib/tsstack';
const DISK = '/run/userns-test.ext4';
/** Who starts them; each sees the same. */
const STARTS = { own: '', crun: ', runtime: crun', runc: ', runtime: runc' };
const NAMES = Object.keys(STARTS);

const LOOK = `id -u
tr -s ' ' </proc/self/uid_map
echo layer $(stat -c %u /etc/passwd)
echo x >/made && chown 33 /made; echo made $(stat -c %u /made)
[ -e /data/$name ] || { echo x >/data/$name && chown 33 /data/$name; }
echo volume $(stat -c %u /data/$name)
echo x >/asked/by-$name
mount -t tmpfs none /data 2>/dev/null && echo mounted
mknod /made-node c 1 3 2>/dev/null && echo node
cat /proc/self/cgroup`;

// The throw-away host's file systems cannot map ids: a tmpfs of Linux 6.1, an overlay.
before(() => {
  run('truncate', '-s', '512M', DISK);
  run('mkfs.ext4', '-q', DISK);
  mkdirSync(STATE, { recursive: true });
  run('mount', '-o', 'loop', DISK, STATE);
});
after(async () => {
  // The daemon ends just after its last stack.
  await until('nobody to need the disk', () => spawnSync('umount', [STATE]).status === 0);
  rmSync(DISK);
});

e2e(
  'userns_mode: auto with layers and volumes whose ids are mapped, also by crun and runc',
  async (project) => {
    const root = join(STATE, 'root-of-test');
    makeRoot(root);
    const shared = join(STATE, 'asked-of-test');
    const asked = new Asked(shared, LOOK);
    const services = Object.entries(STARTS).map(
      ([name, keys]) =>
        `  ${name}: {userns_mode: auto, x-rootfs: ${root}, network_mode: none, ${asked.keys(name, 'data:/data')}${keys}}\n`,
    );
    project.write(`services:\n${services.join('')}volumes: {data: {}}\n`);
    await project.expect(0, 'up', '-d');
    const answers = await asked.ask(NAMES);
    const { own = '' } = answers;
    const [, base = ''] = /^0\n 0 (\d+) 65536\nlayer 0\nmade 33\nvolume 33\n0::\/\n$/.exec(own) ?? assert.fail(own);
    assert.ok(Number(base) >= 0x7000_0000, own);
    for (const name of NAMES) {
      assert.equal(answers[name], own, name);
      const pid = pidOf(project, name);
      assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:(\t${base}){4}$`, 'm'), name);
      // On disk the ids are those inside, and whoever comes by the container's mount sees the range.
      const upper = `${STATE}/stacks/${project.name}/containers/${name}.1/layers/root/upper`;
      const volume = `${STATE}/volumes/${project.name}_data/data/${name}`;
      const owners = [join(upper, 'made'), volume, join(shared, `by-${name}`), join(root, 'etc/passwd')];
      assert.deepEqual(
        owners.map((path) => statSync(path).uid),
        [33, 33, 0, 0],
        name,
      );
      assert.equal(statSync(`/proc/${pid}/root/data/${name}`).uid, Number(base) + 33, name);
    }
    await Promise.all(
      NAMES.map(async (name) => {
        const executed = await project.expect(0, 'exec', '-T', name, 'sh', '-c', `name=${name}; ${LOOK}`);
        assert.equal(executed, own, `exec, ${name}`);
      }),
    );
    rmSync(shared, { recursive: true });
    rmSync(root, { recursive: true });
  },
  { needs: ['crun', 'runc', 'mkfs.ext4', '/bin/busybox'] },
);

function makeRoot(root: string): void {
  for (const name of ['bin', 'etc', 'tmp']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of ['sh', 'cat', 'chown', 'id', 'mknod', 'mount', 'mv', 'sleep', 'stat', 'tr'])
    symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
}

/** Its first process, the first that came into the cgroup. */
function pidOf(project: Project, service: string): number {
  const text = readFileSync(`/sys/fs/cgroup/tsstack/${project.name}/${service}.1/cgroup.procs`, 'utf8');
  return Math.min(...text.trim().split('\n').map(Number));
}

function run(...argv: readonly string[]): void {
  const [program = '', ...args] = argv;
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${argv.join(' ')}: ${stderr}`);
}
