import type { NetworkDetail, NetworkSummary, NetworkUser } from '../../daemon/network-api.ts';
import { alignColumns, table } from '../../lib/table.ts';
import { type Row, renderTemplate } from './template.ts';

/** The table of `network ls`. */
export function renderNetworks(networks: readonly NetworkSummary[]): string {
  const head = ['NAME', 'STACK', 'DRIVER', 'SCOPE', 'SUBNETS', 'CONTAINERS'];
  return table(
    head,
    networks.map((network) => [
      network.name,
      network.stack === '' ? '-' : network.stack,
      network.driver,
      scopeText(network),
      network.subnets.map(({ subnet }) => subnet).join(', ') || '-',
      String(network.users.length),
    ]),
  );
}

/** `local, internal, IPv6`. */
function scopeText({ internal, ipv4, ipv6 }: NetworkSummary): string {
  const family = ipv6 ? [ipv4 ? 'IPv6' : 'IPv6 only'] : [];
  return ['local', ...(internal ? ['internal'] : []), ...family].join(', ');
}

/** The fields of Docker's `network ls --format`, and some of ours. */
const FIELDS: Readonly<Record<string, (network: NetworkSummary) => unknown>> = {
  ID: ({ name }) => name,
  Name: ({ name }) => name,
  Stack: ({ stack }) => stack,
  Driver: ({ driver }) => driver,
  Scope: () => 'local',
  IPv4: ({ ipv4 }) => ipv4,
  IPv6: ({ ipv6 }) => ipv6,
  Internal: ({ internal }) => internal,
  Labels: ({ labels }) => pairs(labels).join(','),
  Options: ({ driverOptions }) => driverOptions,
  CreatedAt: ({ createdAtMs }) => (createdAtMs === undefined ? '' : new Date(createdAtMs).toISOString()),
  Bridge: ({ bridge = '' }) => bridge,
  Subnets: ({ subnets }) => subnets.map(({ subnet }) => subnet).join(','),
  Containers: ({ users }) => users.map(({ name }) => name).join(','),
};

/** Networks by a template: `{{.Name}} {{.Subnets}}`. Throws `usage`. */
export function renderNetworksBy(networks: readonly NetworkSummary[], template: string): string {
  const rows = networks.map(
    (network): Row => Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, field(network)])),
  );
  return renderTemplate(template, rows, Object.keys(FIELDS));
}

/** One network for people: what it is, who is on it, and what is wrong with it. */
export function renderNetwork(network: NetworkDetail): string {
  const { name, stack, key, driver, driverOptions, labels, bridge, subnets, reserved, users, drift } = network;
  const facts: readonly (readonly [string, string])[] = [
    ['stack', stack === '' ? '- (made by "network create")' : `${stack}, as ${key}`],
    ['driver', driver],
    ['scope', scopeText(network)],
    ...(bridge === undefined ? [] : [['bridge', bridge] as const]),
    ...subnets.map(({ subnet, gateway, ipRange }): readonly [string, string] => [
      'subnet',
      [subnet, ...(gateway ? [`gateway ${gateway}`] : []), ...(ipRange ? [`range ${ipRange}`] : [])].join(', '),
    ]),
    ...(reserved.length === 0 ? [] : [['reserved', reserved.join(', ')] as const]),
    ...pairs(driverOptions).map((each): readonly [string, string] => ['option', each]),
    ...pairs(labels).map((each): readonly [string, string] => ['label', each]),
    ...drift.map((each): readonly [string, string] => ['drift', each]),
  ];
  const lines = alignColumns(
    facts.map(([what, value]) => [`  ${what}`, value]),
    3,
  );
  return [name, ...lines, ...userLines(users), ''].join('\n');
}

function userLines(users: readonly NetworkUser[]): readonly string[] {
  if (users.length === 0) return ['  no container is on it'];
  const rows = users.map((user) => [
    `  ${user.name}${user.running ? '' : ' (stopped)'}${user.byHand ? ' (by hand)' : ''}`,
    user.sandbox,
    [user.hostInterface, user.containerInterface].flatMap((name) => name ?? []).join(' - '),
    [user.ipv4, user.ipv6].flatMap((address) => address ?? []).join(', '),
    user.macAddress ?? '-',
    user.names.join(' '),
  ]);
  return alignColumns([['  CONTAINER', 'SANDBOX', 'LINK', 'ADDRESSES', 'MAC', 'NAMES'], ...rows], 3);
}

function pairs(map: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(map).map(([key, value]) => `${key}=${value}`);
}
