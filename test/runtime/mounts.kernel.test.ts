import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LAYERS } from '../../src/image/limits.ts';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { missingForKernelTests, Sandbox } from '../helpers/kernel-container.ts';
import { SECURITY } from '../helpers/launch-config.ts';

const missing = missingForKernelTests();

describe('the file system of a container', { skip: missing === undefined ? false : `needs ${missing}` }, () => {
  let sandbox: Sandbox;
  before(() => {
    sandbox = new Sandbox();
  });
  after(() => sandbox.remove());

  const shell = (script: string, spec: Partial<ContainerSpec> = {}, changes: Partial<LaunchConfig> = {}) =>
    sandbox.run(sandbox.config({ ...spec, argv: ['/bin/sh', '-c', script] }, changes));

  test('finds links of its image resolved inside, and the host as it was', async () => {
    const canary = join(sandbox.directory, 'canary');
    mkdirSync(canary);
    writeFileSync(join(canary, 'keep'), 'host');
    const root = sandbox.rootfs();
    for (const name of ['proc', 'sys', 'dev']) symlinkSync(canary, join(root, name));
    for (const name of ['resolv.conf', 'hosts'])
      symlinkSync(join('../../../../../..', canary, 'keep'), join(root, 'etc', name));
    symlinkSync(join(canary, 'new'), join(root, 'etc/hostname'));
    symlinkSync(join('../../../..', canary), join(root, 'escape'));
    const source = join(sandbox.directory, 'volume');
    mkdirSync(source);
    const target = '/escape/inner';
    const mounts = [{ type: 'bind', source, sourceIsDirectory: true, target, readOnly: false } as const];
    mkdirSync(join(root, canary), { recursive: true });
    const script = `cat /etc/hosts /proc/1/comm; stat -c %t:%T /dev/null; touch ${target}/from-inside`;
    const { output } = await shell(script, {}, { rootfs: { lower: [root], overlays: [] }, mounts });
    assert.equal(output, 'hosts\nsh\n1:3\n');
    assert.deepEqual(readdirSync(canary), ['keep']);
    assert.equal(readFileSync(join(canary, 'keep'), 'utf8'), 'host');
    assert.deepEqual(readdirSync(source), ['from-inside']);
  });

  test('does not start when a volume belongs where the image has a link to nowhere', async () => {
    const root = sandbox.rootfs();
    const outside = join(sandbox.directory, 'outside');
    symlinkSync(outside, join(root, 'data'));
    const mounts = [
      { type: 'bind', source: '/etc', sourceIsDirectory: true, target: '/data', readOnly: true } as const,
    ];
    await assert.rejects(shell('true', {}, { rootfs: { lower: [root], overlays: [] }, mounts }), /mount it on \/data/);
    assert.equal(existsSync(outside), false);
  });

  test('cannot lead a subpath out of its volume', async () => {
    const source = join(sandbox.directory, 'shared-volume');
    mkdirSync(join(source, 'etc/inner'), { recursive: true });
    writeFileSync(join(source, 'etc/inner/file'), 'of the volume');
    symlinkSync('/etc', join(source, 'link'));
    const bind = { type: 'bind', source, sourceIsDirectory: true, target: '/v', readOnly: false } as const;
    const { output } = await shell('cat /v/inner/file', {}, { mounts: [{ ...bind, subpath: 'link' }] });
    assert.equal(output, 'of the volume');
  });

  test('has a writable layer of its own over as many read-only ones as an overlay takes', async () => {
    const root = sandbox.rootfs();
    const lower = Array.from({ length: LAYERS - 1 }, (_, index) =>
      join(sandbox.directory, `layer-${index}-${'x'.repeat(60)}`),
    );
    for (const [index, path] of lower.entries()) {
      mkdirSync(path);
      writeFileSync(join(path, `file-${index}`), String(index));
      writeFileSync(join(path, 'top'), String(index));
    }
    const { output } = await shell(
      'cat /file-498 /top; echo x >/top; cat /top',
      {},
      { rootfs: { lower: [...lower, root], overlays: [] } },
    );
    assert.equal(output, '4980x\n');
    assert.equal(readFileSync(join(lower[0] ?? '', 'top'), 'utf8'), '0');
  });

  test("runs the host's own programs from overlays, copy-on-write", async () => {
    const root = join(sandbox.directory, 'skeleton');
    for (const name of ['tmp', 'root', 'home', 'var', 'run']) mkdirSync(join(root, name), { recursive: true });
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
    const overlays = ['/usr', '/etc'].map((target) => ({ target, lower: [target] }));
    const script =
      'echo changed >/usr/tsstack-test; ls /usr/tsstack-test /home; test ! -e /boot; head -1 /etc/hosts; id -u';
    const { output, status } = await shell(script, {}, { rootfs: { lower: [root], overlays } });
    assert.deepEqual({ output, status }, { output: '/usr/tsstack-test\n\n/home:\nhosts\n0\n', status: '1 0\n' });
    assert.equal(existsSync('/usr/tsstack-test'), false);
  });

  test('has binds, read-only binds and tmpfs mounts at their places, parents under children', async () => {
    const source = join(sandbox.directory, 'mounts');
    mkdirSync(join(source, 'sub'), { recursive: true });
    const bind = { type: 'bind', source, sourceIsDirectory: true } as const;
    const mounts = [
      { ...bind, target: '/a/b', readOnly: true },
      { type: 'tmpfs', target: '/a', readOnly: false, options: 'size=64k,mode=1777,exec' },
      { ...bind, target: '/c/', readOnly: false },
    ] as const;
    const script = `touch /a/x /c/y; touch /a/b/z; ls /a/b; grep -E ' /a | /a/b | /c ' /proc/mounts | cut -d' ' -f2-4`;
    const { output } = await shell(script, {}, { mounts });
    assert.match(output, /touch: \/a\/b\/z: Read-only file system\nsub\ny\n/);
    assert.match(output, /^\/a tmpfs rw,nosuid,nodev,relatime,size=64k\n/m);
  });

  test('cannot write to its root with read_only, but to its volumes and tmpfs mounts', async () => {
    const mounts = [{ type: 'tmpfs', target: '/scratch', readOnly: false, options: '' }] as const;
    const script = 'touch /x; touch /etc/hosts; touch /scratch/x /dev/shm/x && echo written';
    const { output } = await shell(script, { readOnly: true }, { mounts });
    assert.equal(output.match(/Read-only file system/g)?.length, 2);
    assert.match(output, /^written$/m);
  });

  test('sees the device that it was given, and cannot change the node on the host', async () => {
    const devices = [{ source: '/dev/kmsg', target: '/dev/log-of-kernel', permissions: 'r' }];
    const { mode } = statSync('/dev/kmsg');
    const { output } = await shell('test -c /dev/log-of-kernel && echo device; chmod 777 /dev/log-of-kernel', {
      security: { ...SECURITY, devices },
    });
    assert.match(output, /^device\n.*Read-only file system/);
    assert.equal(statSync('/dev/kmsg').mode, mode);
  });

  test("has the host's devices and every capability of ours when privileged", async () => {
    const spec = { security: { ...SECURITY, privileged: true } };
    const script =
      'test -c /dev/kmsg && echo kmsg; ls /dev/pts; grep CapEff /proc/self/status; touch /proc/sys/kernel/panic && mount -t tmpfs x /tmp && echo mounted';
    const { output } = await shell(script, spec);
    assert.match(output, new RegExp(`^kmsg\\nptmx\\nCapEff:\\t0*${sandbox.kernel.boundingSet}\\nmounted\\n$`));
  });
});
