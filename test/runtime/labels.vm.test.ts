import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { DEFAULT_PROFILE } from '../../src/model/apparmor.ts';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { Security } from '../../src/model/limits.ts';
import { removeDefaultProfile, withDefaultProfile } from '../../src/runtime/apparmor-profile.ts';
import { missingProfile } from '../../src/runtime/labels.ts';
import { missingForKernelTests, Sandbox } from '../helpers/kernel-container.ts';
import { containerSpec, SECURITY } from '../helpers/launch-config.ts';
import { readOnlyHost } from '../helpers/read-host.ts';

const SECURITYFS = '/sys/kernel/security';
const PROFILE = `profile tsstack-test flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  signal,
  deny /etc/forbidden rw,
}
`;
const missing =
  missingForKernelTests() ??
  (existsSync('/sys/module/apparmor') ? undefined : 'a kernel with AppArmor') ??
  (existsSync('/usr/sbin/apparmor_parser') ? undefined : 'the package apparmor');

/** Loads (`-r`) or removes (`-R`) the profile. */
function parse(option: '-r' | '-R'): void {
  const { status, stderr } = spawnSync('/usr/sbin/apparmor_parser', [option], { input: PROFILE, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

describe('AppArmor', { skip: missing === undefined ? false : `needs ${missing}` }, () => {
  let sandbox: Sandbox;
  let mounted = false;
  before(() => {
    if (!existsSync(`${SECURITYFS}/apparmor`)) {
      assert.equal(spawnSync('mount', ['-t', 'securityfs', 'securityfs', SECURITYFS]).status, 0);
      mounted = true;
    }
    parse('-r');
    sandbox = new Sandbox();
  });
  after(async () => {
    await sandbox.remove();
    parse('-R');
    if (mounted) spawnSync('umount', [SECURITYFS]);
  });

  const spec = (security: Partial<Security>, changes: Partial<ContainerSpec> = {}) => ({
    ...containerSpec(changes),
    security: { ...SECURITY, ...security },
  });
  const SHOW =
    'cat /proc/self/attr/current; echo x >/etc/forbidden && echo written || echo refused; echo x >/etc/other && echo written';

  for (const [what, security, changes] of [
    ['as root', {}, {}],
    ['without new privileges', { noNewPrivileges: true }, {}],
    ['below an init', {}, { init: true }],
    ['privileged', { privileged: true }, {}],
  ] as const) {
    test(`confines the program and what is executed beside it: ${what}`, async () => {
      const asked = spec({ ...security, appArmor: 'tsstack-test' }, changes);
      const config = sandbox.config({ ...asked, argv: ['sh', '-c', `${SHOW}; exec sleep 1000`] });
      const container = await sandbox.start(config);
      const expected = 'tsstack-test (enforce)\nrefused\nwritten\n';
      const beside = await sandbox.exec(container, config, ['sh', '-c', SHOW]);
      assert.equal(beside.stdout, expected, beside.report + beside.stderr);
      const own = container
        .log()
        .split('\n')
        .filter((line) => !line.startsWith('sh:'));
      assert.equal(own.join('\n'), expected);
    });
  }

  test('leaves alone who asks for nothing, and who asks for that', async () => {
    for (const security of [{}, { appArmor: 'unconfined' }]) {
      const { output } = await sandbox.run(
        sandbox.config({ ...spec(security), argv: ['cat', '/proc/self/attr/current'] }),
      );
      assert.equal(output.replace('\0', '').trim(), 'unconfined');
    }
  });

  test('gives who asks for none the default, which refuses mounts and writing to the machine', async () => {
    const host = readOnlyHost();
    const kernel = await withDefaultProfile(host, sandbox.kernel, assert.fail);
    try {
      assert.equal(kernel.labels.appArmor?.profile, DEFAULT_PROFILE);
      const powerful: Partial<Security> = {
        capAdd: ['SYS_ADMIN', 'NET_ADMIN'],
        systemPaths: 'unconfined',
        seccomp: 'unconfined',
      };
      const started = (security: Partial<Security>, argv: readonly string[]) =>
        sandbox.config({ ...spec(security), argv }, { kernel });
      const tried =
        'mkdir -p /m; mount -t tmpfs none /m || echo no mount; echo 1 >/proc/sys/net/ipv4/ip_forward || echo no sysctl;' +
        ' echo h >/proc/sysrq-trigger || echo no sysrq; kill -0 1 && echo signals;' +
        ' echo x >/tmp/own && cat /tmp/own; cat /proc/self/attr/current';
      const script = ['sh', '-c', `(${tried}) 2>/dev/null; exec sleep 1000`];
      const config = started(powerful, script);
      const container = await sandbox.start(config);
      const expected = 'no mount\nno sysctl\nno sysrq\nsignals\nx\ntsstack-default (enforce)\n';
      const beside = await sandbox.exec(container, config, ['sh', '-c', `(${tried}) 2>/dev/null`]);
      assert.equal(beside.stdout, expected, beside.report + beside.stderr);
      for (const security of [{ privileged: true }, { ...powerful, appArmor: 'unconfined' }]) {
        const { output } = await sandbox.run(
          started(security, [
            'sh',
            '-c',
            'mkdir /m; mount -t tmpfs none /m && echo mounted; cat /proc/self/attr/current',
          ]),
        );
        assert.equal(output.replace('\0', '').trim(), 'mounted\nunconfined');
      }
      process.kill(container.pid, 'SIGKILL');
      await sandbox.exit(container);
    } finally {
      await removeDefaultProfile(host, kernel, assert.fail);
    }
    assert.equal(missingProfile(host, DEFAULT_PROFILE), DEFAULT_PROFILE);
  });

  test('lets no program run without the profile that was asked for', async () => {
    const config = sandbox.config({ ...spec({ appArmor: 'tsstack-absent' }), argv: ['sh', '-c', 'echo ran'] });
    await assert.rejects(sandbox.start(config), (error) => {
      const said = 'get AppArmor profile tsstack-absent, which apparmor_parser must have loaded, on execution: ';
      assert.equal(String(error), `Error: ${said}no such file or directory (ENOENT)`);
      return true;
    });
    assert.equal(existsSync(config.paths.log), true);
    assert.equal(missingProfile(readOnlyHost(), 'tsstack-absent'), 'tsstack-absent');
    assert.equal(missingProfile(readOnlyHost(), 'tsstack-test'), undefined);
  });
});
