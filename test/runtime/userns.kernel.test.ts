import assert from 'node:assert/strict';
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LAYERS } from '../../src/image/limits.ts';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { firstHostId } from '../../src/runtime/user-namespace.ts';
import { missingForKernelTests, Sandbox } from '../helpers/kernel-container.ts';
import { containerSpec } from '../helpers/launch-config.ts';

const missing = missingForKernelTests();
const BASE = firstHostId('demo');

describe('a container with a user namespace', { skip: missing === undefined ? false : `needs ${missing}` }, () => {
  let sandbox: Sandbox;
  before(() => {
    sandbox = new Sandbox();
  });
  after(() => sandbox.remove());

  const namespaces = { ...containerSpec().namespaces, user: 'private' } as const;
  const configOf = (argv: readonly string[], spec: Partial<ContainerSpec> = {}, changes: Partial<LaunchConfig> = {}) =>
    sandbox.config({ namespaces, ...spec, argv }, changes);
  const shell = (script: string, spec: Partial<ContainerSpec> = {}, changes: Partial<LaunchConfig> = {}) =>
    sandbox.run(configOf(['/bin/sh', '-c', script], spec, changes));
  const volume = (name: string) => {
    const source = join(sandbox.directory, name);
    mkdirSync(source);
    return { source, mount: { type: 'bind', source, sourceIsDirectory: true, target: '/v', readOnly: false } as const };
  };
  const ownerOf = (path: string) => {
    const { uid, gid } = statSync(path);
    return `${uid}:${gid}`;
  };

  test("runs as root inside and as one of the stack's own ids outside", async () => {
    const config = configOf(['sleep', '1000']);
    const container = await sandbox.start(config);
    const { stdout } = await sandbox.exec(container, config, [
      'sh',
      '-c',
      'id -u; id -g; tr -s " " <"/proc/1/uid_map"; tr -s " " <"/proc/1/gid_map"; grep CapEff /proc/1/status',
    ]);
    assert.match(stdout, new RegExp(`^0\n0\n 0 ${BASE} 65536\n 0 ${BASE} 65536\nCapEff:\\t0*a80425fb\n$`));
    const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:(\\t${BASE}){4}$`, 'm'));
    assert.match(status, new RegExp(`^Gid:(\\t${BASE}){4}$`, 'm'));
    assert.notEqual(readlinkSync(`/proc/${container.pid}/ns/user`), readlinkSync('/proc/self/ns/user'));
  });

  test('changes files of its image, whose ids on disk stay those inside', async () => {
    const root = sandbox.rootfs();
    writeFileSync(join(root, 'etc/of-user'), 'x');
    chownSync(join(root, 'etc/of-user'), 1000, 100);
    const script = `stat -c %u:%g / /bin/busybox /etc/of-user /etc/hosts; echo more >>/etc/of-user; touch /new
      mkdir /dir; touch /dir/theirs; chown 33:44 /dir/theirs; mv /etc/passwd /etc/moved; rm /bin/ls; stat -c %u:%g /new /dir/theirs`;
    const config = configOf(['/bin/sh', '-c', script], {}, { rootfs: { lower: [root], overlays: [] } });
    const { output, status } = await sandbox.run(config);
    assert.deepEqual({ output, status }, { output: '0:0\n0:0\n1000:100\n0:0\n0:0\n33:44\n', status: '1 0\n' });
    const upper = join(config.paths.layers, 'root/upper');
    const owners = ['new', 'dir/theirs', 'etc/of-user', 'etc/moved'].map((name) => ownerOf(join(upper, name)));
    assert.deepEqual(owners, ['0:0', '33:44', '1000:100', '0:0']);
    assert.equal(readFileSync(join(root, 'etc/of-user'), 'utf8'), 'x');
  });

  test('starts again on what it wrote', async () => {
    const config = configOf(['/bin/sh', '-c', 'cat /mark; echo again >>/mark']);
    await sandbox.run(config);
    rmSync(config.paths.exit);
    assert.match((await sandbox.run({ ...config, run: 2 })).output, /^again$/m);
  });

  test('has further overlays and as many layers as one takes', async () => {
    const root = sandbox.rootfs();
    const lower = Array.from({ length: LAYERS - 1 }, (_, index) => join(sandbox.directory, `mapped-layer-${index}`));
    for (const [index, path] of lower.entries()) {
      mkdirSync(path);
      writeFileSync(join(path, `file-${index}`), '');
    }
    const overlays = ['/opt', '/srv/deep'].map((target) => ({ target, lower }));
    const script = 'for d in / /opt/ /srv/deep/; do touch $d.x && ls $d | grep -c file-; stat -c %u $d.x; done';
    const { output } = await shell(script, {}, { rootfs: { lower: [...lower, root], overlays } });
    assert.equal(output, `${LAYERS - 1}\n0\n`.repeat(3));
  });

  test('writes to volumes as the ids inside', async () => {
    const { source, mount } = volume('data');
    writeFileSync(join(source, 'of-app'), '');
    chownSync(join(source, 'of-app'), 1000, 1000);
    const script = 'stat -c %u:%g /v /v/of-app; touch /v/a /v/b; chown 7:8 /v/b; stat -c %u:%g /v/b';
    const { output } = await shell(script, {}, { mounts: [mount] });
    assert.equal(output, '0:0\n1000:1000\n7:8\n');
    assert.deepEqual([ownerOf(join(source, 'a')), ownerOf(join(source, 'b'))], ['0:0', '7:8']);
  });

  test('has the file systems of /dev and its tmpfs mounts for itself', async () => {
    const mounts = [
      { type: 'tmpfs', target: '/scratch', readOnly: false, options: 'mode=700' },
      { type: 'tmpfs', target: '/theirs', readOnly: false, options: 'uid=5,gid=6,mode=700' },
    ] as const;
    const paths = '/dev /dev/null /dev/shm /dev/pts /dev/ptmx /dev/mqueue /scratch /theirs';
    const script = `stat -L -c '%n %u:%g' ${paths}; touch /scratch/x /dev/shm/x; echo >/dev/null; head -c 1 /dev/zero | wc -c
      test -r /sys/class/net && echo sys; chmod 600 /dev/full; ls -A /proc/1/fd >/dev/null && echo proc`;
    const { output, status } = await shell(script, {}, { mounts });
    const owners = paths.split(' ').map((path) => `${path} ${path === '/theirs' ? '5:6' : '0:0'}`);
    assert.deepEqual({ output, status }, { output: `${owners.join('\n')}\n1\nsys\nproc\n`, status: '1 0\n' });
  });

  test('writes to its log by the path of its standard output, also as another user', async () => {
    const { output } = await shell(
      'echo by path >>/dev/stdout; id -u; id -G; touch /nowhere',
      {},
      { identity: { uid: 1000, gid: 100, groups: [100, 7], home: '/' } },
    );
    assert.match(output, /^by path\n1000\n100 7\ntouch: \/nowhere: Permission denied\n$/);
  });

  test('has no power over what belongs to the machine', async () => {
    const { source, mount } = volume('file-of-unmapped');
    writeFileSync(join(source, 'beyond'), 'x', { mode: 0o600 });
    chownSync(join(source, 'beyond'), 70_000, 70_000);
    const script = `hostname other; mount -t tmpfs x /tmp; cat /v/beyond; echo 0 >/proc/sys/kernel/panic; mknod /n c 1 3
      ip link add dummy0 type dummy; :`;
    const { output } = await shell(
      script,
      { security: { ...containerSpec().security, capAdd: ['ALL'] } },
      { mounts: [mount] },
    );
    assert.equal(output.match(/denied|not permitted|Read-only/g)?.length, 6, output);
  });

  test('executes programs in the same namespaces, with the same ids', async () => {
    const config = configOf(['sleep', '1000']);
    const container = await sandbox.start(config);
    const script = `for n in cgroup ipc mnt net pid user uts; do readlink /proc/$P/ns/$n; done
      grep -E '^(Cap|Seccomp|NoNew|Uid|Gid|Groups)' /proc/$P/status`;
    const run = (p: string) => sandbox.exec(container, config, ['/bin/sh', '-c', `P=${p}\n${script}`]);
    const [own, first] = await Promise.all([run('self'), run('1')]);
    assert.equal(own.stdout, first.stdout);
    assert.equal(own.status, 0);
    const user = { ...config, identity: { uid: 1000, gid: 100, groups: [100], home: '/' } };
    const { stdout } = await sandbox.exec(container, user, [
      '/bin/sh',
      '-c',
      'id -u; id -G; grep CapPrm /proc/self/status',
    ]);
    assert.match(stdout, /^1000\n100\nCapPrm:\t0+\n$/);
  });

  test('says which source has a file system that cannot map ids', async () => {
    const mount = {
      type: 'bind',
      source: '/proc',
      sourceIsDirectory: true,
      target: '/host-proc',
      readOnly: true,
    } as const;
    await assert.rejects(shell('true', {}, { mounts: [mount] }), /^Error: map the ids of \/proc, .*\(EINVAL\)$/);
  });

  test('leaves no mount and no process in its namespace', async () => {
    const config = configOf(['sleep', '1000']);
    const container = await sandbox.start(config);
    const namespace = readlinkSync(`/proc/${container.pid}/ns/user`);
    assert.deepEqual(inNamespace(namespace), [String(container.pid)]);
    process.kill(container.pid, 'SIGKILL');
    assert.equal(await sandbox.exit(container), '1 137\n');
    assert.deepEqual(inNamespace(namespace), []);
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(sandbox.directory));
  });
});

function inNamespace(user: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/user`) === user;
    } catch {
      return false;
    }
  });
}
