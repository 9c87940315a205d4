import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { e2e } from '../helpers/e2e.ts';

const ip = (...argv: string[]) => execFileSync('ip', argv, { encoding: 'utf8' });

e2e(
  'a bridge with a name of the user’s is the stack’s as any other, and a stranger’s is left alone',
  async (project) => {
    const stack = (name: string) => `services: {web: {command: [sleep, infinity]}}
networks: {default: {driver_opts: {com.docker.network.bridge.name: ${name}}}}
`;
    ip('link', 'add', 'name', 'br-e2e-mine', 'type', 'bridge');
    try {
      project.write(stack('br-e2e-mine'));
      const { status, stderr } = await project.tsstack(['up', '-d']);
      assert.equal(status, 1);
      assert.match(
        stderr,
        /Cannot create bridge "br-e2e-mine": there is an interface of that name, which is not of tsstack/,
      );

      project.write(stack('br-e2e-ours'));
      await project.expect(0, 'up', '-d');
      assert.match(
        ip('link', 'show', 'dev', 'br-e2e-ours'),
        new RegExp(`alias tsstack ${project.name} network.default`),
      );
      assert.match(await project.expect(1, 'doctor', '--residue'), /link +br-e2e-ours/);
      ip('link', 'del', 'dev', 'br-e2e-ours');
      assert.match(await project.expect(3, 'plan', '--check'), /drift: bridge br-e2e-ours is missing/);
      await project.expect(0, 'up', '-d');
      await project.expect(0, 'plan', '--check');

      // Somebody takes the name while nobody looks.
      ip('link', 'del', 'dev', 'br-e2e-ours');
      ip('link', 'add', 'name', 'br-e2e-ours', 'type', 'bridge');
      await project.expect(0, 'down');
      assert.match(ip('link', 'show', 'dev', 'br-e2e-ours'), /br-e2e-ours/);
    } finally {
      for (const name of ['br-e2e-mine', 'br-e2e-ours']) ip('link', 'del', 'dev', name);
    }
  },
);

e2e(
  'on a network of IPv6 alone services find each other, and drift is mended',
  async (project) => {
    project.write(`services:
  web: {command: [sleep, infinity]}
  api: {command: [sleep, infinity]}
networks: {default: {enable_ipv4: false, enable_ipv6: true, ipam: {config: [{subnet: "fd00:216::/64", ip_range: "fd00:216::1:0/112"}]}}}
`);
    await project.expect(0, 'up', '-d');
    const hosts = await project.expect(0, 'exec', 'api', 'cat', '/etc/hosts');
    assert.match(hosts, /^fd00:216::1:1\t\S+ web /m);
    const inside = `ts-${project.name}.web.1`;
    assert.doesNotMatch(ip('-n', inside, 'addr', 'show', 'dev', 'eth0'), /inet /);
    assert.match(ip('-n', inside, '-6', 'route'), /^default via fd00:216::1 /m);
    ip('-n', inside, 'addr', 'del', 'fd00:216::1:1/64', 'dev', 'eth0');
    assert.match(await project.expect(3, 'plan', '--check'), /eth0 lacks address fd00:216::1:1\/64 in the container/);
    const { pid } = await project.container('web');
    await project.expect(0, 'up', '-d');
    assert.equal((await project.container('web')).pid, pid);
    await project.expect(0, 'plan', '--check');
  },
  { needs: ['ip', '/proc/sys/net/ipv6'] },
);
