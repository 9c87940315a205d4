import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { e2e } from '../helpers/e2e.ts';

// Never the machine's own cable: `e2e-lan` leads to a namespace of the test's, where `router` is.
const ROUTER = 'e2e-router';
const ip = (...argv: string[]) => execFileSync('ip', argv, { encoding: 'utf8' });
const inRouter = (...argv: string[]) => execFileSync('ip', ['netns', 'exec', ROUTER, ...argv], { encoding: 'utf8' });

async function withLan(act: () => Promise<void>): Promise<void> {
  ip('netns', 'add', ROUTER);
  try {
    ip('link', 'add', 'name', 'e2e-lan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ROUTER);
    ip('link', 'set', 'dev', 'e2e-lan', 'up');
    ip('-n', ROUTER, 'addr', 'add', '10.219.0.1/24', 'dev', 'eth0');
    ip('-n', ROUTER, 'link', 'set', 'dev', 'eth0', 'up');
    await act();
  } finally {
    ip('netns', 'del', ROUTER);
    // It goes with its other end, in the background.
    try {
      ip('link', 'del', 'dev', 'e2e-lan');
    } catch {}
  }
}

const server = 'command: [busybox, nc, -ll, -p, "80", -e, echo, hello]';
const lan = (more = '') => `networks:
  lan:
    driver: macvlan
    driver_opts: {parent: e2e-lan${more}}
    ipam: {config: [{subnet: 10.219.0.0/24, gateway: 10.219.0.1, ip_range: 10.219.0.16/28}]}
`;
const get = (address: string) => inRouter('busybox', 'nc', '-w', '2', address, '80').trim();
e2e(
  'a macvlan is joined and left while the container runs; drift is mended; another mode replaces',
  (project) =>
    withLan(async () => {
      project.write(`services:
  web: {${server}, networks: [default]}
  api: {command: [sleep, infinity], networks: [default, lan]}
${lan()}`);
      await project.expect(0, 'up', '-d');
      const { pid } = await project.container('web');

      project.write(`services:
  web: {${server}, networks: {default: {}, lan: {aliases: [shop], ipv4_address: 10.219.0.20}}}
  api: {command: [sleep, infinity], networks: [default, lan]}
${lan()}`);
      await project.expect(0, 'up', '-d');
      assert.equal((await project.container('web')).pid, pid);
      assert.equal(get('10.219.0.20'), 'hello');
      assert.match(await project.expect(0, 'exec', 'api', 'cat', '/etc/hosts'), /^10\.219\.0\.20\t.*\bshop\b/m);
      await project.expect(0, 'plan', '--check');

      ip('-n', `ts-${project.name}.web.1`, 'link', 'del', 'dev', 'eth1');
      assert.match(
        await project.expect(3, 'plan', '--check'),
        /drift: eth1 \(of e2e-lan\) is missing in the container/,
      );
      await project.expect(0, 'up', '-d');
      assert.equal((await project.container('web')).pid, pid);
      assert.equal(get('10.219.0.20'), 'hello');
      await project.expect(0, 'plan', '--check');

      const left = (more: string) => `services:
  web: {${server}, networks: [default]}
  api: {command: [sleep, infinity], networks: [default, lan]}
${lan(more)}`;
      project.write(left(''));
      await project.expect(0, 'up', '-d');
      assert.doesNotMatch(ip('-n', `ts-${project.name}.web.1`, 'link'), /eth1/);
      project.write(left(', macvlan_mode: private'));
      assert.match(
        await project.expect(3, 'plan', '--check'),
        /±\s+network\.lan[\s\S]*driverOptions\.macvlan_mode[\s\S]*±\s+service\.api\[1\]/,
      );
      await project.expect(0, 'up', '-d');
      assert.equal((await project.container('web')).pid, pid);
      await project.expect(0, 'plan', '--check');
    }),
  { needs: ['ip', 'busybox'] },
);

e2e('a macvlan alone needs neither a bridge nor rules, and what it cannot do is said', (project) =>
  withLan(async () => {
    project.write(`services:
  web: {${server}, ports: ["80"], networks: [lan]}
${lan()}`);
    const { status, stdout, stderr } = await project.tsstack(['up', '-d']);
    assert.equal(status, 0, stderr);
    assert.match(stdout + stderr, /Ports of service "web" are not published .*no IPv4 or IPv6 address on a bridge/);
    assert.throws(() => execFileSync('nft', ['list', 'table', 'inet', 'tsstack'], { stdio: 'ignore' }));
    assert.equal(get('10.219.0.16'), 'hello');
    assert.match(ip('-n', `ts-${project.name}.web.1`, 'route'), /^default via 10\.219\.0\.1 dev eth0/m);
    await project.expect(0, 'plan', '--check');
    await project.expect(0, 'restart', 'web');
    assert.equal(get('10.219.0.16'), 'hello');
    await project.expect(0, 'down');
  }),
);
