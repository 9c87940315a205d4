import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveUser } from '../../src/runtime/user.ts';

const PASSWD = `# comment
root:x:0:0:root:/root:/bin/sh
broken line
app:x:1000:1001:App:/srv/app:/bin/sh
1005:x:2000:2000::/home/number:/bin/sh
nohome:x:3000:3000
bad:x:99999999999:0::/:
`;
const GROUP = `root:x:0:
staff:x:50:app,root
audio:x:29:app
app:x:1001:
`;

const FILES = { passwd: PASSWD, group: GROUP, image: 'app:1' };

for (const [user, expected] of [
  ['', { uid: 0, gid: 0, groups: [0, 50], home: '/root' }],
  ['root', { uid: 0, gid: 0, groups: [0, 50], home: '/root' }],
  ['app', { uid: 1000, gid: 1001, groups: [1001, 50, 29], home: '/srv/app' }],
  ['1000', { uid: 1000, gid: 1001, groups: [1001, 50, 29], home: '/srv/app' }],
  ['app:staff', { uid: 1000, gid: 50, groups: [50], home: '/srv/app' }],
  ['app:77', { uid: 1000, gid: 77, groups: [77], home: '/srv/app' }],
  ['4242', { uid: 4242, gid: 0, groups: [0], home: '/' }],
  ['4242:4343', { uid: 4242, gid: 4343, groups: [4343], home: '/' }],
  ['1005', { uid: 2000, gid: 2000, groups: [2000], home: '/home/number' }],
  ['nohome', { uid: 3000, gid: 3000, groups: [3000], home: '/' }],
] as const) {
  test(`resolveUser() takes ${JSON.stringify(user)} as Docker does`, () => {
    assert.deepEqual(resolveUser(user, [], FILES), expected);
  });
}

test('resolveUser() adds group_add by name and number, each once', () => {
  assert.deepEqual(resolveUser('app', ['audio', '5', 'staff'], FILES).groups, [1001, 50, 29, 5]);
});

test('resolveUser() makes an image without passwd run as root', () => {
  assert.deepEqual(resolveUser('', [], { ...FILES, passwd: '', group: '' }), {
    uid: 0,
    gid: 0,
    groups: [0],
    home: '/',
  });
});

for (const user of ['nobody', 'app:nogroup', 'bad', '4294967295', '-1', '1000:4294967295', ' app']) {
  test(`resolveUser() refuses ${JSON.stringify(user)}`, () => {
    assert.throws(() => resolveUser(user, [], FILES), { code: 'launch-failed' });
  });
}

test('resolveUser() names the image and the file that lack a name', () => {
  assert.throws(() => resolveUser('ap', [], FILES), {
    message: 'Unknown user "ap": /etc/passwd of image "app:1" has no such user',
  });
  assert.throws(() => resolveUser('app', ['wheel'], FILES), {
    message: 'Unknown group "wheel": /etc/group of image "app:1" has no such group',
  });
});
