import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { Identity } from '../../src/runtime/user.ts';
import { missingForKernelTests, Sandbox } from '../helpers/kernel-container.ts';
import { SECURITY } from '../helpers/launch-config.ts';

const PROBE = fileURLToPath(new URL('../../../shared/security/container-probe.sh', import.meta.url));
const missing = missingForKernelTests() ?? (existsSync(PROBE) ? undefined : PROBE);

describe('the isolation probe', { skip: missing === undefined ? false : `needs ${missing}` }, () => {
  let sandbox: Sandbox;
  let env: Readonly<Record<string, string>>;
  before(() => {
    sandbox = new Sandbox();
    const text = execFileSync('sh', [PROBE, '--host-env'], {
      encoding: 'utf8',
      env: { ...process.env, PROBE_MARKER_DIR: sandbox.directory },
    });
    env = Object.fromEntries([...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]));
  });
  after(() => sandbox.remove());

  const probeConfig = (spec: Partial<ContainerSpec>, identity: Identity) => {
    const target = '/container-probe.sh';
    const mount = { type: 'bind', source: PROBE, sourceIsDirectory: false, target, readOnly: true } as const;
    const tmp = { type: 'tmpfs', target: '/tmp', readOnly: false, options: 'exec,mode=1777' } as const;
    return sandbox.config({ env, ...spec }, { mounts: [mount, tmp], identity });
  };
  const failures = (output: string) => {
    assert.match(output, /^SCORE core \d+\/\d+/m);
    return output.split('\n').filter((line) => /^(FAIL|SKIP) core/.test(line));
  };
  const ROOT: Identity = { uid: 0, gid: 0, groups: [0], home: '/root' };
  const USER: Identity = { uid: 65532, gid: 65532, groups: [65532], home: '/' };
  const ARGV = ['timeout', '60', 'sh', '/container-probe.sh'];

  for (const [what, spec, identity] of [
    ['a default container', {}, ROOT],
    ['a container with user and no_new_privs', { security: { ...SECURITY, noNewPrivileges: true } }, USER],
    [
      'a read-only container without capabilities',
      { readOnly: true, security: { ...SECURITY, capDrop: ['ALL'] } },
      ROOT,
    ],
  ] as const) {
    test(`passes all of core in ${what}`, async () => {
      const { output } = await sandbox.run(probeConfig({ ...spec, argv: ARGV }, identity));
      // Breaking out by chroot is tried only with the capability for it.
      assert.deepEqual(
        failures(output).filter((line) => !line.startsWith('SKIP core.root.chroot-breakout')),
        [],
      );
    });
  }

  test('passes all of core when executed in a default container', async () => {
    const config = probeConfig({ argv: ['sleep', '1000'] }, ROOT);
    const container = await sandbox.start(config);
    const { stdout } = await sandbox.exec(container, config, ARGV);
    assert.deepEqual(failures(stdout), []);
  });
});
