import assert from 'node:assert/strict';
import { e2e, type Project } from '../helpers/e2e.ts';

// What Compose's own end-to-end suite shows of replicas and networks; docs/scenarios.md has its table.

const SLEEP = 'command: [sleep, infinity], stop_grace_period: 0s';

/** `web.1`, … with process ids. */
async function replicas(project: Project): Promise<Readonly<Record<string, number | undefined>>> {
  return Object.fromEntries((await project.ps()).map(({ service, index, pid }) => [`${service}.${index}`, pid]));
}

const STACK = `services:
  front: {${SLEEP}, deploy: {replicas: 2}, depends_on: [db]}
  back: {${SLEEP}, deploy: {replicas: 0}}
  db: {${SLEEP}, environment: {MAYBE: '\${MAYBE:-}'}}
`;

e2e(
  'TestScaleBasicCases, TestScaleWithDepsCases: replicas come and go per service; dependencies follow',
  async (project) => {
    project.write(STACK);
    const numbers = async () => Object.keys(await replicas(project));
    await project.expect(0, 'up', '-d');
    assert.deepEqual(await numbers(), ['db.1', 'front.1', 'front.2']);
    await project.expect(0, 'scale', 'back=2');
    await project.expect(0, 'scale', 'front=3', 'back=3');
    assert.deepEqual(await numbers(), ['back.1', 'back.2', 'back.3', 'db.1', 'front.1', 'front.2', 'front.3']);
    const before = await replicas(project);
    await project.expect(0, 'scale', 'front=1', 'back=0');
    assert.deepEqual(await replicas(project), { 'db.1': before['db.1'], 'front.1': before['front.1'] });
    await project.expect(0, 'up', '-d', '--scale', 'db=2');
    await project.expect(0, 'scale', '--no-deps', 'front=1');
    assert.deepEqual(await numbers(), ['db.1', 'db.2', 'front.1']);
    await project.expect(0, 'scale', 'front=2');
    assert.deepEqual(await numbers(), ['db.1', 'front.1', 'front.2']);
  },
);

e2e(
  'TestScaleUpAndDownPreserveContainerNumber, TestScaleDownRemovesObsolete: numbers are used again',
  async (project) => {
    project.write(STACK);
    const up = async (count: number, env: Record<string, string> = {}) => {
      const { status, stderr } = await project.tsstack(['up', '-d', '--scale', `db=${count}`, 'db'], { env });
      assert.equal(status, 0, stderr);
      return await replicas(project);
    };
    for (const count of [2, 1, 2]) {
      assert.deepEqual(Object.keys(await up(count)), ['db.1', 'db.2'].slice(0, count));
    }
    await up(1);
    const changed = await up(2, { MAYBE: 'value' });
    assert.deepEqual(await up(1, { MAYBE: 'value' }), { 'db.1': changed['db.1'] });
  },
);

e2e(
  'TestScaleDownNoRecreate: lowering the number takes the outdated replicas, and the next up changes nothing',
  async (project) => {
    project.write(STACK);
    const up = async (...args: string[]) => {
      const env = { MAYBE: args.length > 0 ? 'value' : '' };
      const { status, stderr } = await project.tsstack(['up', '-d', ...args, 'db'], { env });
      assert.equal(status, 0, stderr);
      return await replicas(project);
    };
    await project.expect(0, 'up', '-d', '--scale', 'db=2', 'db');
    const old = await replicas(project);
    const more = await up('--no-recreate', '--scale', 'db=4');
    assert.deepEqual([more['db.1'], more['db.2']], [old['db.1'], old['db.2']]);
    const less = await up('--no-recreate', '--scale', 'db=2');
    assert.deepEqual(less, { 'db.3': more['db.3'], 'db.4': more['db.4'] });
    assert.deepEqual(await up('--scale', 'db=2'), less);
    assert.deepEqual(Object.keys(await up('--scale', 'db=3')), ['db.1', 'db.3', 'db.4'], 'gaps are filled');
    assert.deepEqual(await project.expect(0, 'exec', '--index', '4', '-T', 'db', 'printenv', 'MAYBE'), 'value\n');
  },
);

e2e(
  'TestIPAMConfig, TestExposeRange, TestNetworkConfigChanged: a fixed address, and another subnet',
  async (project) => {
    const stack = (subnet: string, address: string) =>
      project.write(`services:
  foo: {${SLEEP}, expose: ['9091-9092'], networks: {net: {ipv4_address: ${address}}}}
  free: {${SLEEP}, networks: [net]}
networks: {net: {ipam: {config: [{subnet: ${subnet}}]}}}
`);
    const address = async (service: string) => (await project.container(service)).networks[0]?.ipv4;
    stack('10.251.0.0/16', '10.251.0.100');
    await project.expect(0, 'up', '-d');
    assert.equal(await address('foo'), '10.251.0.100/16');
    assert.match((await address('free')) ?? '', /^10\.251\./);
    stack('10.252.3.0/24', '10.252.3.100');
    await project.expect(0, 'up', '-d');
    assert.equal(await address('foo'), '10.252.3.100/24');
    assert.match(await project.expect(0, 'exec', '-T', 'free', 'ip', '-4', 'addr'), /inet 10\.252\.3\./);
  },
  { needs: ['ip'] },
);

e2e(
  'TestNoDepsNetworkMode: --no-deps needs the container whose network is shared, and leaves it alone',
  async (project) => {
    project.write(`services: {app: {${SLEEP}, network_mode: 'service:db'}, db: {${SLEEP}}}\n`);
    await project.expect(0, 'up', '-d');
    const before = await replicas(project);
    await project.expect(0, 'up', '-d', '--no-deps', 'app');
    assert.deepEqual(await replicas(project), before);
    await project.expect(0, 'rm', '-fs', 'db');
    const refused = await project.tsstack(['up', '-d', '--no-deps', 'app']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /Cannot share the network of service "db": it has no container/);
  },
);
