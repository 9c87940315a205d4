import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PARENT_OPTIONS } from '../../src/model/network-drivers.ts';
import { NETWORK_OPTIONS } from '../../src/model/network-options.ts';
import { OVERLAY_OPTIONS } from '../../src/model/network-overlay.ts';
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

const option = (name: keyof typeof NETWORK_OPTIONS, value: string) =>
  `driver_opts: {${NETWORK_OPTIONS[name]}: "${value}"}`;

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
  {
    field: 'ipRange6',
    keys: [
      `enable_ipv6: true\n${pool('fd00:214:4::/64')}`,
      `enable_ipv6: true\n${pool('fd00:214:4::/64', ', ip_range: "fd00:214:4::/80"')}`,
    ],
    shows: [/"subnet6"/, /"ipRange6":"fd00:214:4::\/80"/],
  },
  {
    field: 'reserved6',
    keys: [
      `enable_ipv6: true\n${pool('fd00:214:5::/64')}`,
      `enable_ipv6: true\n${pool('fd00:214:5::/64', ', aux_addresses: {printer: "fd00:214:5::99"}')}`,
    ],
    shows: [/"subnet6"/, /"reserved6":\["fd00:214:5::99"\]/],
  },
];

/** Where the containers' links or ports change with the network, they are changed in place too. */
const optionsInPlace: readonly NetworkRow[] = [
  {
    field: `driverOptions.${NETWORK_OPTIONS.mtu}`,
    keys: [option('mtu', '1400'), option('mtu', '1300')],
    shows: [/ mtu 1400 /, / mtu 1300 /],
  },
  {
    field: `driverOptions.${NETWORK_OPTIONS.masquerade}`,
    keys: [option('masquerade', 'true'), option('masquerade', 'false')],
    shows: [/masqueraded BRIDGE/, /^(?![\s\S]*masqueraded BRIDGE)/],
  },
  {
    field: `driverOptions.${NETWORK_OPTIONS.betweenContainers}`,
    keys: [option('betweenContainers', 'true'), option('betweenContainers', 'false')],
    shows: [/isolated off/, /isolated on/],
  },
  {
    field: `driverOptions.${NETWORK_OPTIONS.hostBinding}`,
    keys: [option('hostBinding', '127.0.0.1'), option('hostBinding', '127.0.0.2')],
    shows: [/ports4_at 127\.0\.0\.1 \. tcp \. \d+ : ADDRESS/, /ports4_at 127\.0\.0\.2 \. tcp \. \d+ : ADDRESS/],
  },
  {
    field: `driverOptions.${NETWORK_OPTIONS.gatewayMode4}`,
    keys: [option('gatewayMode4', 'nat'), option('gatewayMode4', 'routed')],
    shows: [/ports4 tcp \. \d+ : ADDRESS/, /open4 ADDRESS \. tcp \. 80\b/],
  },
  {
    field: `driverOptions.${NETWORK_OPTIONS.gatewayMode6}`,
    keys: [
      `enable_ipv6: true\n${option('gatewayMode6', 'nat')}`,
      `enable_ipv6: true\n${option('gatewayMode6', 'routed')}`,
    ],
    shows: [/ports6 tcp/, /open6 \S+ \. tcp \. 80\b/],
  },
  {
    field: `driverOptions.${NETWORK_OPTIONS.interfacePrefix}`,
    keys: [option('interfacePrefix', 'eth'), option('interfacePrefix', 'net')],
    shows: [/ eth0@/, / net0@/],
  },
];

const replaced: readonly NetworkRow[] = [
  { field: 'name', keys: ['name: NAME-one', 'name: NAME-two'], shows: [/"name":"\S+-one"/, /"name":"\S+-two"/] },
  {
    field: `driverOptions.${NETWORK_OPTIONS.bridgeName}`,
    keys: [option('bridgeName', 'ts-e2e-one'), option('bridgeName', 'br-e2e-two')],
    shows: [/ master ts-e2e-one /, / master br-e2e-two /],
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
  const services = rows.map(
    (_, index) => `  s${index}: {command: [sleep, infinity], networks: [n${index}], ports: ["80"]}\n`,
  );
  const networks = rows.map(({ keys }, index) => {
    return `  n${index}:\n${keys[at].replaceAll('NAME', project.name).replaceAll(/^/gm, '    ')}\n`;
  });
  return `services:\n${services.join('')}networks:\n${networks.join('')}`;
}

/** A line for each member of a set or map of our table: `ports4 tcp . 80 : 10.64.0.2 . 80`. */
function setsOfTable(): string {
  const text = execFileSync('nft', ['list', 'table', 'inet', 'tsstack'], { encoding: 'utf8' });
  const sets = text.matchAll(/^\t(?:set|map) (\S+) \{[^}]*?elements = \{([^}]*)\}/gm);
  const members = [...sets].flatMap(([, name, elements = '']) =>
    elements.split(',').map((each) => `${name} ${each.trim().replaceAll('"', '')}`),
  );
  return members.join('\n');
}

async function assertRows(project: Project, rows: readonly NetworkRow[], at: 0 | 1): Promise<readonly unknown[]> {
  const containers = new Map((await project.ps()).map((each) => [each.service, each]));
  const sets = setsOfTable();
  return rows.map(({ field, keys, shows }, index) => {
    const record = readFileSync(`/var/lib/tsstack/stacks/${project.name}/networks/n${index}.json`, 'utf8');
    const ip = (...argv: string[]) => execFileSync('ip', argv, { encoding: 'utf8' });
    const inside = (...argv: string[]) => ip('-n', `ts-${project.name}.s${index}.1`, ...argv);
    const links = inside('addr', 'show');
    const [, address = ''] = /inet ([\d.]+)\/\d+ brd/.exec(links) ?? [];
    const { bridge } = JSON.parse(record);
    const veths = ip('-d', 'link', 'show', 'master', bridge);
    const named = sets.replaceAll(bridge, 'BRIDGE').replaceAll(address, 'ADDRESS');
    const shown = [record, links, inside('route'), inside('-6', 'route'), veths, named].join('\n');
    assert.match(shown, shows[at], `${field}: ${keys[at]}`);
    return containers.get(`s${index}`)?.pid;
  });
}

for (const [claim, rows, stays] of [
  ['is changed in place leaves the containers on it running', inPlace, true],
  ['is changed in place leaves them running, too, though their links and ports change', optionsInPlace, true],
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
  // The bridge's name follows from stack and key, or is an option; other drivers are shown in tests of their own.
  const options = [PARENT_OPTIONS, OVERLAY_OPTIONS].flatMap((each) => Object.values(each));
  const never = ['driver', 'bridge', 'parent', ...options.map((option) => `driverOptions.${option}`)];
  for (const [field, policy] of fieldPolicies().network) {
    if (policy === 'ignore' || never.includes(field) || field.startsWith('overlay.')) continue;
    const rows = policy === 'update' ? [...inPlace, ...optionsInPlace] : replaced;
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
