import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capabilityMask, containerCapabilities } from '../../src/runtime/capabilities.ts';
import { containerEnvironment } from '../../src/runtime/environment.ts';
import { containerRlimits, lowered } from '../../src/runtime/rlimit.ts';
import { mountOptions } from '../../src/runtime/steps/mount.ts';
import { containerSysctls } from '../../src/runtime/sysctl.ts';
import { FACTS, SECURITY } from '../helpers/launch-config.ts';

function mask(changes: object, facts: object = {}): string {
  const names = containerCapabilities({ ...SECURITY, ...changes }, { ...FACTS, ...facts });
  return capabilityMask(names).toString(16).padStart(16, '0');
}

for (const [what, changes, expected] of [
  ["Docker's default", {}, '00000000a80425fb'],
  ['nothing with cap_drop ALL', { capDrop: ['ALL'] }, '0000000000000000'],
  ['one with cap_drop ALL and cap_add', { capDrop: ['ALL'], capAdd: ['NET_BIND_SERVICE'] }, '0000000000000400'],
  ['all but one with cap_add ALL', { capAdd: ['ALL'], capDrop: ['SYS_ADMIN'] }, '000001ffffdfffff'],
  ['more with cap_add', { capAdd: ['SYS_ADMIN'] }, '00000000a82425fb'],
  ['all when privileged', { privileged: true }, '000001ffffffffff'],
] as const) {
  test(`containerCapabilities() gives ${what}`, () => {
    assert.equal(mask(changes), expected);
  });
}

test('containerCapabilities() leaves MKNOD out where no cgroup guards devices, unless it is asked for', () => {
  for (const facts of [{ cgroupVersion: 2, cgroupMounts: [] }, { cgroupMounts: FACTS.cgroupMounts.slice(2) }]) {
    assert.equal(mask({}, facts), '00000000a00425fb');
    assert.equal(mask({ capAdd: ['MKNOD'] }, facts), '00000000a80425fb');
  }
});

test('containerCapabilities() gives no more than we have, nor than the kernel knows', () => {
  assert.equal(mask({ privileged: true }, { boundingSet: '3' }), '0000000000000003');
  assert.equal(mask({ privileged: true }, { lastCapability: 3 }), '000000000000000f');
});

test('containerRlimits() clamps to our own hard limits without CAP_SYS_RESOURCE, and only then', () => {
  const without = { ...FACTS, boundingSet: '1fffeffffff', hardLimits: { nofile: 4096, core: -1 } };
  const nofile = (facts: typeof FACTS, ulimits: object) =>
    containerRlimits({ ...ulimits }, facts).find(({ name }) => name === 'nofile');
  assert.deepEqual(nofile(without, {}), { name: 'nofile', resource: 7, soft: 1024, hard: 4096 });
  assert.deepEqual(nofile({ ...without, boundingSet: '1ffffffffff' }, {}), {
    name: 'nofile',
    resource: 7,
    soft: 1024,
    hard: 524288,
  });
  const unlimited = { nofile: { soft: -1, hard: -1 } };
  assert.deepEqual(nofile(without, unlimited), { name: 'nofile', resource: 7, soft: 4096, hard: 4096 });
});

test('containerRlimits() keeps a soft limit below its hard limit', () => {
  const [, nproc] = containerRlimits({ core: { soft: 0, hard: 0 }, nproc: { soft: 20, hard: 10 } }, FACTS).filter(
    ({ name }) => name !== 'nofile',
  );
  assert.deepEqual(nproc, { name: 'nproc', resource: 6, soft: 10, hard: 10 });
});

test('containerRlimits() gives nobody more open files than fs.nr_open', () => {
  const facts = { ...FACTS, mostOpenFiles: 1048576 };
  const [, nofile] = containerRlimits({ nofile: { soft: -1, hard: -1 } }, facts);
  assert.deepEqual(nofile, { name: 'nofile', resource: 7, soft: 1048576, hard: 1048576 });
});

test('lowered() says what was asked for and what is given, of what the stack file asks for only', () => {
  const without = { ...FACTS, boundingSet: '1fffeffffff', hardLimits: { nofile: 4096, nproc: 100 } };
  assert.deepEqual(lowered({}, without), []);
  const ulimits = { nofile: { soft: 1024, hard: -1 }, nproc: { soft: 50, hard: 100 }, core: { soft: 2, hard: 1 } };
  assert.deepEqual(lowered(ulimits, without), [
    'ulimits.core: 2:1 was asked for, 1:1 is given: a soft limit is at most the hard one',
    'ulimits.nofile: 1024:unlimited was asked for, 1024:4096 is given: this machine does not let us give more',
  ]);
  assert.deepEqual(lowered({ nofile: { soft: 1, hard: 2 } }, FACTS), []);
});

const OWN = { network: true, ipc: true, uts: true };

test('containerSysctls() reads names as sysctl(8) does', () => {
  const names = ['net.ipv4.conf.eth0/100.forwarding', 'net/ipv4/conf/eth0.100/forwarding'];
  for (const name of names) {
    assert.equal(containerSysctls({ [name]: '1' }, OWN).at(-1)?.path, 'net/ipv4/conf/eth0.100/forwarding');
  }
});

test('containerSysctls() lets a value written in the stack file replace our default', () => {
  const values = containerSysctls({ 'net.ipv4.ip_unprivileged_port_start': '1024' }, OWN).map(
    ({ path, value }) => `${path}=${value}`,
  );
  assert.deepEqual(values, ['net/ipv4/ping_group_range=0 2147483647', 'net/ipv4/ip_unprivileged_port_start=1024']);
});

test("containerSysctls() sets no default where the network is the host's", () => {
  assert.deepEqual(containerSysctls({}, { network: false, ipc: true, uts: true }), []);
});

for (const [key, own] of [
  ['kernel.panic', OWN],
  ['vm.swappiness', OWN],
  ['net.core.somaxconn', { network: false, ipc: true, uts: true }],
  ['kernel.shmmax', { network: true, ipc: false, uts: true }],
  ['net.ipv4', { network: false, ipc: true, uts: true }],
  ['net/../kernel/panic', OWN],
  ['net', OWN],
  ['net..core', OWN],
  ['kernel.shmmax/../panic', OWN],
] as const) {
  test(`containerSysctls() refuses ${key} with ${JSON.stringify(own)}`, () => {
    assert.throws(() => containerSysctls({ [key]: '1' }, own), { code: 'launch-failed' });
  });
}

test('containerEnvironment() gives PATH, HOSTNAME and HOME, and what is written comes first', () => {
  const identity = { uid: 0, gid: 0, groups: [], home: '/root' };
  const given = containerEnvironment({ HOME: '/x', A: 'b' }, { hostname: 'web' }, { identity, tty: true });
  assert.deepEqual(given, {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: 'web',
    TERM: 'xterm',
    HOME: '/x',
    A: 'b',
  });
});

test('mountOptions() splits flags from what the file system reads itself', () => {
  assert.deepEqual(mountOptions('size=1m,exec,ro,mode=1777', 8), { flags: 1, data: 'size=1m,mode=1777' });
  assert.deepEqual(mountOptions('', 14), { flags: 14, data: '' });
});
