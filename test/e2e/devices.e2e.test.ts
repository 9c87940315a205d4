import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { e2e } from '../helpers/e2e.ts';

/** What can be done with a node of kernel messages (1:11) that is made on the spot, and with one that is given. */
const LOOK = [
  'cd /var/tmp 2>/dev/null || cd /tmp',
  'for kind in "c 1 11" "c 1 5" "b 7 200"; do rm -f n; mknod n $kind && echo made $kind',
  '(exec 3<n) 2>/dev/null && echo read $kind',
  '(exec 3>n) 2>/dev/null && echo write $kind; rm -f n; done',
  '(exec 3</dev/given) 2>/dev/null && echo read given; (exec 3>/dev/given) 2>/dev/null && echo write given; :',
].join('; ');

e2e('devices are limited by permissions and device_cgroup_rules, in place, and for exec', async (project) => {
  const write = (rules: string) =>
    project.write(`
x-web: &web { command: sleep 1000, network_mode: none, stop_grace_period: 0s }
services:
  web:
    <<: *web
    cap_add: [SYSLOG]
    devices: ["/dev/zero:/dev/given:r"]
    device_cgroup_rules: ${rules}
  all: { <<: *web, privileged: true }
`);
  const look = async (service = 'web', ...options: string[]) =>
    (await project.expect(0, 'exec', '-T', ...options, service, 'sh', '-c', LOOK)).trim().split('\n');
  const MADE = ['made c 1 11', 'made c 1 5', 'read c 1 5', 'write c 1 5', 'made b 7 200'];
  write('[]');
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');
  // /dev/zero may be read and written by all, so that what is given is not less than what is there.
  assert.deepEqual(await look(), [...MADE, 'read given', 'write given']);
  assert.equal((await look('all', '--privileged')).includes('read c 1 11'), true);
  write('["c 1:11 r"]');
  const plan = await project.expect(3, 'plan', '--check');
  assert.match(plan, /resources\.deviceRules/);
  await project.expect(0, 'up', '-d');
  assert.deepEqual((await look()).slice(0, 2), ['made c 1 11', 'read c 1 11']);
  write('["c 1:* w"]');
  await project.expect(0, 'up', '-d');
  assert.deepEqual((await look()).slice(0, 2), ['made c 1 11', 'write c 1 11']);
  write('[]');
  await project.expect(0, 'up', '-d');
  assert.deepEqual(await look(), [...MADE, 'read given', 'write given']);
  assert.equal((await project.container('web')).pid, pid);
  await project.expect(0, 'plan', '--check');
});

e2e(
  'a device is for what its permissions say; a directory is every device below it',
  async (project) => {
    project.write(`
services:
  web:
    command: sleep 1000
    network_mode: none
    stop_grace_period: 0s
    cap_add: [SYSLOG]
    devices: ["/dev/kmsg:/dev/given:r", "/dev/net:/dev/some"]
`);
    await project.expect(0, 'up', '-d');
    const look = await project.expect(0, 'exec', '-T', 'web', 'sh', '-c', `${LOOK}; exec 3<>/dev/some/tun && echo tun`);
    assert.match(look, /^read given$/m);
    assert.doesNotMatch(look, /^write given$/m);
    assert.match(look, /^tun$/m);
    project.write('services: { web: { command: sleep 1, devices: [/etc] } }\n');
    const refused = await project.tsstack(['up', '-d']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr + refused.stdout, /There is no device below "\/etc"/);
    assert.ok(existsSync('/etc/passwd'));
  },
  { needs: ['/dev/net/tun', '/dev/kmsg'] },
);
