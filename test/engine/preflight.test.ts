import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflight } from '../../src/engine/preflight.ts';
import type { Mount } from '../../src/model/mounts.ts';
import { FakeHost } from '../helpers/fake-machine.ts';
import { makeService, makeStack, makeVolume } from '../helpers/stacks.ts';

const TOOLS = ['/usr/sbin/ip', '/usr/sbin/nft', '/usr/bin/ss', '/usr/bin/unshare'];

function look(files: readonly string[], ...services: Parameters<typeof makeService>[1][]): readonly string[] {
  const host = new FakeHost(Object.fromEntries(files.map((path) => [path, ''])));
  const stack = makeStack(services.map((overrides, index) => makeService(`s${index}`, overrides)));
  return preflight(host, stack).map(({ address, message, hint }) => `${address}: ${message} → ${hint}`);
}

const bind = (createHostPath: boolean): Mount => ({
  type: 'bind',
  source: '/srv/data',
  target: '/data',
  readOnly: false,
  createHostPath,
});

test('a machine that has everything is fine', () => {
  assert.deepEqual(look([...TOOLS, '/srv/data'], { mounts: [bind(false)] }), []);
});

test('every tool that is missing is named once, with the package to install', () => {
  assert.deepEqual(look(TOOLS.slice(2), {}, {}), [
    'service.s0[1]: this machine has no program "ip" → apt-get install -y iproute2',
    'service.s0[1]: this machine has no program "nft" → apt-get install -y nftables',
  ]);
});

test('PATH is walked once for each tool, however many services there are', () => {
  const host = new FakeHost(Object.fromEntries(TOOLS.map((path) => [path, ''])));
  const asked: string[] = [];
  const { stat } = FakeHost.prototype;
  host.stat = (path) => {
    asked.push(path);
    return stat.call(host, path);
  };
  preflight(host, makeStack(['a', 'b', 'c'].map((name) => makeService(name, {}))));
  for (const tool of TOOLS) assert.equal(asked.filter((path) => path === tool).length, 1, tool);
});

test('a stack that starts nothing needs no tools', () => {
  assert.deepEqual(look([], { replicas: 0 }), []);
});

test('a bind source that is not there is in the way, unless it is to be made', () => {
  const told = 'service.s0[1]: bind source /srv/data does not exist → Make it, or set create_host_path: true';
  assert.deepEqual(look(TOOLS, { mounts: [bind(false)] }), [told]);
  assert.deepEqual(look(TOOLS, { mounts: [bind(true)] }), []);
});

function lookAtVolume(files: readonly string[], driverOptions: Record<string, string>): readonly string[] {
  const host = new FakeHost(Object.fromEntries(files.map((path) => [path, ''])));
  const stack = { ...makeStack([]), volumes: { data: makeVolume('data', { driverOptions }) } };
  return preflight(host, stack).map(({ address, message, hint }) => `${address}: ${message} → ${hint}`);
}

test('what a volume would mount must be there, and the program that mounts it', () => {
  const bind = { type: 'none', o: 'bind', device: '/srv/data' };
  assert.deepEqual(lookAtVolume(['/srv/data'], bind), []);
  assert.match(
    lookAtVolume([], bind)[0] ?? '',
    /^volume\.data: Cannot mount .*: \/srv\/data does not exist → .*mkdir -p/,
  );
  const nfs = { type: 'nfs', device: 'server:/data' };
  assert.deepEqual(lookAtVolume(['/usr/sbin/mount.nfs'], nfs), []);
  assert.match(lookAtVolume([], nfs)[0] ?? '', /no program "mount\.nfs" → .*nfs-common/);
});

test('driver options that no mount comes of are a conflict, not a failure on the way', () => {
  assert.match(lookAtVolume([], { type: 'tmpfs', size: '1g' })[0] ?? '', /driver_opts\.size is not done → /);
});
