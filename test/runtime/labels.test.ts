import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execProgram } from '../../src/runtime/exec-program.ts';
import { type LabelFacts, readLabelFacts } from '../../src/runtime/label-facts.ts';
import { containerLabels, missingProfile } from '../../src/runtime/labels.ts';
import { launchProgram } from '../../src/runtime/launch-program.ts';
import type { Call } from '../../src/runtime/launcher/program.ts';
import { FakeHost } from '../helpers/fake-machine.ts';
import { execBase } from '../helpers/kernel-container.ts';
import { containerSpec, FACTS, launchConfig, SECURITY } from '../helpers/launch-config.ts';

const BOTH: LabelFacts = {
  appArmor: { file: '/proc/self/attr/apparmor/exec' },
  seLinux: { file: '/proc/self/attr/exec', context: 'system_u:system_r:container_t:s0' },
};

function specWith(security: object) {
  return containerSpec({ security: { ...SECURITY, ...security } });
}

function texts(security: object, labels: LabelFacts = BOTH): readonly string[] {
  return containerLabels(specWith(security), { ...FACTS, labels }).map(({ file, text }) => `${text} > ${file}`);
}

test('containerLabels() gives what is asked for, and else nothing', () => {
  assert.deepEqual(texts({}), []);
  assert.deepEqual(texts({ appArmor: 'web' }), ['exec web > /proc/self/attr/apparmor/exec']);
  assert.deepEqual(texts({ appArmor: 'unconfined' }), ['exec unconfined > /proc/self/attr/apparmor/exec']);
  assert.deepEqual(texts({ appArmor: 'unconfined' }, {}), [], 'without AppArmor everything is');
  assert.deepEqual(texts({ seLinux: { type: 'svirt_t', level: 's0:c1,c2' } }), [
    'system_u:system_r:svirt_t:s0:c1,c2 > /proc/self/attr/exec',
  ]);
  assert.deepEqual(texts({ seLinux: { user: 'u', role: 'r' } }), ['u:r:container_t:s0 > /proc/self/attr/exec']);
});

test('containerLabels() refuses what the machine has not', () => {
  assert.throws(() => texts({ appArmor: 'web' }, {}), /This machine has no AppArmor for the profile "web"/);
  assert.throws(() => texts({ seLinux: { type: 't' } }, {}), /This machine has no SELinux for the label/);
});

test('readLabelFacts() sees AppArmor and SELinux, on old kernels too', () => {
  const enabled = { '/sys/module/apparmor/parameters/enabled': 'Y\n' };
  assert.deepEqual(readLabelFacts(new FakeHost({})), {});
  assert.deepEqual(readLabelFacts(new FakeHost({ '/sys/module/apparmor/parameters/enabled': 'N\n' })), {});
  assert.deepEqual(readLabelFacts(new FakeHost(enabled)), { appArmor: { file: '/proc/self/attr/exec' } });
  const stacked = { ...enabled, '/proc/self/attr/apparmor/exec': '' };
  assert.deepEqual(readLabelFacts(new FakeHost(stacked)), { appArmor: { file: '/proc/self/attr/apparmor/exec' } });
  const seLinux = { '/sys/fs/selinux/enforce': '1', '/proc/self/attr/current': 'u:r:t:s0\0' };
  assert.deepEqual(readLabelFacts(new FakeHost(seLinux)).seLinux?.context, 'u:r:t:s0');
  const contexts = 'process = "system_u:system_r:container_t:s0"\nfile = "x"\n';
  const usual = { ...seLinux, '/etc/selinux/targeted/contexts/lxc_contexts': contexts };
  assert.deepEqual(readLabelFacts(new FakeHost(usual)).seLinux?.context, 'system_u:system_r:container_t:s0');
});

test('missingProfile() names a profile that is not loaded, where that can be told', () => {
  const host = new FakeHost({ '/sys/kernel/security/apparmor/profiles': 'web (enforce)\na b//c (complain)\n' });
  const asked = ['web', 'a b//c', 'unconfined', undefined, 'we'].map((name) => missingProfile(host, name));
  assert.deepEqual(asked, [undefined, undefined, undefined, undefined, 'we']);
  assert.equal(missingProfile(new FakeHost({}), 'we'), undefined);
});

/** Position of the call that asks for the label, and of what must come after it. */
function places(calls: readonly Call[], after: (call: Call) => boolean): readonly [label: number, after: number] {
  return [calls.findIndex(({ args }) => args.includes('exec web')), calls.findIndex(after)];
}

test('launch and exec ask for the label before anything of the container can stand in the way', () => {
  const spec = specWith({ appArmor: 'web' });
  const kernel = { ...FACTS, labels: BOTH };
  const config = launchConfig({ spec, kernel });
  const [label, root] = places(launchProgram(config), ({ name }) => name === 'pivot_root');
  assert.ok(label > 0 && label < root, `${label} ${root}`);
  const calls = execProgram({ ...execBase(config, 7), argv: ['true'], tty: false });
  const [own, entered] = places(calls, ({ words }) => words === 'enter namespace mnt');
  const child = calls.findIndex(({ fork }) => fork === 'wait');
  assert.ok(own > child && own < entered, 'in the child, as the label is a process of its own');
  assert.deepEqual(calls[own]?.tolerate, []);
});

test('systempaths=unconfined leaves nothing masked, and /sys read-only as before', () => {
  const words = (security: object) =>
    launchProgram(launchConfig({ spec: specWith(security) })).map((call) => call.words);
  const masking = /^(mask |take \/proc\/(bus|fs|irq|sys))/;
  assert.ok(words({}).some((each) => masking.test(each)));
  const open = words({ systemPaths: 'unconfined' });
  assert.deepEqual(
    open.filter((each) => masking.test(each)),
    [],
  );
  assert.ok(
    open.some((each) => /^mount sysfs on \/sys \(ro/.test(each)),
    open.join('\n'),
  );
});
