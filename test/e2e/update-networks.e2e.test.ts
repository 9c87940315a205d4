import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fieldPolicies } from '../../src/planner/diff.ts';
import { e2e, type Project } from '../helpers/e2e.ts';

interface NetworkRow {
  readonly field: string;
  /** Keys of the network. */
  readonly keys: readonly [before: string, after: string];
  /** What changes: a field of the record, or a word of `ip addr` inside the container. */
  readonly shows: readonly [before: RegExp, after: RegExp];
}

const pool = (subnet: string, more = '') => `ipam: {config: [{subnet: ${subnet}${more}}]}`;

const inPlace: readonly NetworkRow[] = [
  { field: 'labels', keys: ['labels: {a: one}', 'labels: {a: two}'], shows: [/"a":"one"/, /"a":"two"/] },
  {
    field: 'ipRange4',
    keys: [pool('10.214.1.0/24'), pool('10.214.1.0/24', ', ip_range: 10.214.1.0/25')],
    shows: [/"subnet4"/, /"ipRange4":"10.214.1.0\/25"/],
  },
  {
    field: 'reserved4',
    keys: [pool('10.214.2.0/24'), pool('10.214.2.0/24', ', aux_addresses: {printer: 10.214.2.99}')],
    shows: [/"reserved4":\[\]/, /"reserved4":\["10.214.2.99"\]/],
  },
];

const replaced: readonly NetworkRow[] = [
  { field: 'name', keys: ['name: NAME-one', 'name: NAME-two'], shows: [/"name":"\S+-one"/, /"name":"\S+-two"/] },
  {
    field: 'driverOptions',
    keys: [
      'driver_opts: {com.docker.network.driver.mtu: "1400"}',
      'driver_opts: {com.docker.network.driver.mtu: "1300"}',
    ],
    shows: [/ mtu 1400 /, / mtu 1300 /],
  },
  {
    field: 'internal',
    keys: ['internal: false', 'internal: true'],
    shows: [/^default via/m, /^(?![\s\S]*^default via)/m],
  },
  {
    field: 'subnet4',
    keys: [pool('10.214.3.0/24'), pool('10.214.4.0/24')],
    shows: [/inet 10\.214\.3\./, /inet 10\.214\.4\./],
  },
  {
    field: 'gateway4',
    keys: [pool('10.214.5.0/24', ', gateway: 10.214.5.1'), pool('10.214.5.0/24', ', gateway: 10.214.5.9')],
    shows: [/^default via 10\.214\.5\.1 /m, /^default via 10\.214\.5\.9 /m],
  },
  {
    field: 'subnet6',
    keys: [`enable_ipv6: true\n${pool('fd00:214:1::/64')}`, `enable_ipv6: true\n${pool('fd00:214:2::/64')}`],
    shows: [/inet6 fd00:214:1::/, /inet6 fd00:214:2::/],
  },
  {
    field: 'gateway6',
    keys: [
      `enable_ipv6: true\n${pool('fd00:214:3::/64', ', gateway: "fd00:214:3::1"')}`,
      `enable_ipv6: true\n${pool('fd00:214:3::/64', ', gateway: "fd00:214:3::9"')}`,
    ],
    shows: [/^default via fd00:214:3::1 /m, /^default via fd00:214:3::9 /m],
  },
];

/** A network for each row, with one container on it. */
function stackOf(project: Project, rows: readonly NetworkRow[], at: 0 | 1): string {
  const services = rows.map((_, index) => `  s${index}: {command: [sleep, infinity], networks: [n${index}]}\n`);
  const networks = rows.map(({ keys }, index) => {
    return `  n${index}:\n${keys[at].replaceAll('NAME', project.name).replaceAll(/^/gm, '    ')}\n`;
  });
  return `services:\n${services.join('')}networks:\n${networks.join('')}`;
}

async function assertRows(project: Project, rows: readonly NetworkRow[], at: 0 | 1): Promise<readonly unknown[]> {
  const containers = new Map((await project.ps()).map((each) => [each.service, each]));
  return rows.map(({ field, keys, shows }, index) => {
    const record = readFileSync(`/var/lib/tsstack/stacks/${project.name}/networks/n${index}.json`, 'utf8');
    const ip = (...argv: string[]) =>
      execFileSync('ip', ['-n', `ts-${project.name}.s${index}.1`, ...argv], { encoding: 'utf8' });
    const shown = [record, ip('addr', 'show', 'dev', 'eth0'), ip('route'), ip('-6', 'route')].join('\n');
    assert.match(shown, shows[at], `${field}: ${keys[at]}`);
    return containers.get(`s${index}`)?.pid;
  });
}

for (const [claim, rows, stays] of [
  ['is changed in place leaves the containers on it running', inPlace, true],
  ['is replaced gets other containers on it', replaced, false],
] as const) {
  e2e(
    `a network of which docs/plan.md says that it ${claim}`,
    async (project) => {
      project.write(stackOf(project, rows, 0));
      await project.expect(0, 'up', '-d');
      const before = await assertRows(project, rows, 0);
      project.write(stackOf(project, rows, 1));
      const plan = await project.expect(3, 'plan', '--check');
      for (const [index, { field }] of rows.entries()) {
        const line = new RegExp(`^ *(\\S) network\\.n${index} `, 'm').exec(plan);
        assert.equal(line?.[1], stays ? '~' : '±', `${field}\n${plan}`);
      }
      await project.expect(0, 'up', '-d');
      const after = await assertRows(project, rows, 1);
      for (const [index, { field }] of rows.entries()) assert.equal(before[index] === after[index], stays, field);
      await project.expect(0, 'plan', '--check');
    },
    { needs: ['ip', '/proc/sys/net/ipv6'] },
  );
}

test('every field of a network that can change by itself has a row above', () => {
  // There is one driver, and the bridge's name follows from stack and key.
  const never = ['driver', 'bridge'];
  for (const [field, policy] of fieldPolicies().network) {
    if (policy === 'ignore' || never.includes(field)) continue;
    const rows = policy === 'update' ? inPlace : replaced;
    assert.ok(
      rows.some((row) => row.field === field),
      `${field}: ${policy}`,
    );
  }
});

e2e('a volume is not replaced unasked: what would need that is a conflict with the ways out', async (project) => {
  const stack = (volume: string) =>
    `services: {web: {command: [sleep, infinity], volumes: ["data:/data"]}}\nvolumes: {data: {${volume}}}\n`;
  const volume = `${project.name}_data`;
  const content = () => readFileSync(`/var/lib/tsstack/volumes/${volume}/data/kept`, 'utf8');
  project.write(stack(''));
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo precious >/data/kept');
  const { pid } = await project.container('web');

  project.write(stack('driver_opts: {type: tmpfs, device: tmpfs}'));
  for (const extra of [[], ['--force-recreate'], ['-V']]) {
    const { status, stderr } = await project.tsstack(['up', '-d', ...extra]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /Cannot change volume ".*_data": it was made with another driver_opts\.device, driver_opts\.type/,
    );
    assert.match(stderr, /Set volumes\.data\.name to a new name.*tsstack up --yes/);
  }
  assert.equal((await project.container('web')).pid, pid, 'nothing was done');

  // One way out: a new name. The old volume stays.
  project.write(stack(`name: ${volume}2, driver_opts: {type: tmpfs, device: tmpfs}`));
  await project.expect(0, 'up', '-d');
  assert.notEqual((await project.container('web')).pid, pid, 'another volume is another mount');
  assert.equal(content(), 'precious\n');

  // Nothing but -v removes one: not `down`, not `rm -v` (which is about anonymous ones), not leaving the file.
  project.write('services: {web: {command: [sleep, infinity]}}\n');
  await project.expect(0, 'up', '-d', '--remove-orphans', '-V');
  await project.expect(0, 'rm', '-f', '-s', '-v');
  await project.expect(0, 'down', '--remove-orphans');
  assert.equal(content(), 'precious\n');

  // Another way out; the third, a yes, is in scenarios-up.e2e.test.ts.
  project.write(stack('driver_opts: {type: tmpfs, device: tmpfs}'));
  await project.expect(0, 'volume', 'rm', volume);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'test ! -e /data/kept');
});
