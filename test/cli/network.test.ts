import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkDetail, NetworkUser } from '../../src/daemon/network-api.ts';
import { fakeDaemon, json, ndjson, type Route } from './fake-daemon.ts';
import { cli } from './run-cli.ts';

const USER: NetworkUser = {
  ...{ stack: 'demo', service: 'db', index: 1, name: 'demo-db-1', running: true, sandbox: 'ts-demo.db.1' },
  ...{
    hostInterface: 'ts-db1-abcde',
    containerInterface: 'eth1',
    ipv4: '10.5.0.2/24',
    macAddress: '02:42:0a:05:00:02',
  },
  ...{ names: ['demo-db-1', 'store'], byHand: true },
};

function network(name: string, changes: Partial<NetworkDetail> = {}): NetworkDetail {
  return {
    ...{ name, stack: '', key: name, driver: 'bridge', driverOptions: {}, labels: {}, internal: false },
    ...{ ipv4: true, ipv6: false, bridge: `ts-${name}`, reserved: [], users: [], drift: [] },
    subnets: [{ subnet: '10.5.0.0/24', gateway: '10.5.0.1' }],
    ...changes,
  };
}

const NETWORKS = [
  network('demo_default', { stack: 'demo', key: 'default', users: [USER] }),
  network('idle', { stack: 'demo', key: 'idle' }),
  network('gone_default', { stack: 'gone', key: 'default', internal: true, ipv6: true, labels: { tier: 'db' } }),
  network('shared', { labels: { tier: 'web' } }),
];

/** Runs `tsstack network` against a daemon; gives what was sent to each route beside the outcome. */
async function networkCommand(argv: readonly string[], routes: Readonly<Record<string, Route>> = {}) {
  const done: Route = (_, response) => ndjson(response, [{ type: 'done', result: { container: 'demo-db-1' } }]);
  const daemon = await fakeDaemon({
    'GET /v1/networks': (_, response) => json(response, NETWORKS),
    'GET /v1/networks/demo_default': (_, response) => json(response, NETWORKS[0]),
    'GET /v1/stacks': (_, response) =>
      json(response, [
        { name: 'demo', files: [], statuses: { running: 1 } },
        { name: 'gone', files: [], statuses: {} },
      ]),
    'POST /v1/networks/remove': (_, response) => json(response, {}),
    'POST /v1/networks/create': (body, response) =>
      json(response, { ...network((body as { name: string }).name), warnings: ['--opt: no effect'] }),
    'POST /v1/networks/connect': done,
    'POST /v1/networks/disconnect': done,
    ...routes,
  });
  try {
    const ended = await cli('/', ['-p', 'demo', ...argv], { TSSTACK_RUN_DIR: daemon.paths.run });
    const sent = daemon.requests.flatMap(({ route, body }) => (route.startsWith('POST') ? [body] : []));
    return { ...ended, sent };
  } finally {
    await daemon.close();
  }
}

test('network ls shows stack, scope, subnets and how many containers; -q, --json and templates', async () => {
  const { status, stdout } = await networkCommand(['network', 'ls']);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^NAME +STACK +DRIVER +SCOPE +SUBNETS +CONTAINERS\ndemo_default +demo +bridge +local +10\.5\.0\.0\/24 +1\n/,
  );
  assert.match(stdout, /^gone_default +gone +bridge +local, internal, IPv6 /m);
  assert.match(stdout, /^shared +- /m);
  assert.equal((await networkCommand(['network', 'ls', '-q'])).stdout, 'demo_default\nidle\ngone_default\nshared\n');
  assert.deepEqual(JSON.parse((await networkCommand(['network', 'ls', '--json'])).stdout), NETWORKS);
  const template = ['network', 'ls', '--format', '{{.Name}} {{.Internal}} {{.Containers}}', '--filter', 'stack=demo'];
  assert.equal((await networkCommand(template)).stdout, 'demo_default false demo-db-1\nidle false \n');
});

test('network ls --filter takes any of one word and all of different words', async () => {
  const names = async (...filters: string[]) =>
    (await networkCommand(['network', 'ls', '-q', ...filters.flatMap((each) => ['--filter', each])])).stdout
      .split('\n')
      .slice(0, -1);
  assert.deepEqual(await names('name=default'), ['demo_default', 'gone_default']);
  assert.deepEqual(await names('dangling=true', 'stack=demo'), ['idle']);
  assert.deepEqual(await names('label=tier'), ['gone_default', 'shared']);
  assert.deepEqual(await names('label=tier=web'), ['shared']);
  assert.deepEqual(await names('label!=tier'), ['demo_default', 'idle']);
  assert.deepEqual(await names('name=idle', 'name=shared'), ['idle', 'shared']);
  assert.deepEqual(await names('driver=macvlan'), []);
  for (const bad of ['name', 'colour=red', 'dangling=perhaps']) {
    const { status, stderr } = await networkCommand(['network', 'ls', '--filter', bad]);
    assert.equal(status, 2, bad);
    assert.match(stderr, /^error: Option --filter/);
  }
});

test('network inspect prints JSON, and with --format table every container with its link', async () => {
  const { stdout } = await networkCommand(['network', 'inspect', 'demo_default']);
  assert.deepEqual(JSON.parse(stdout), [NETWORKS[0]]);
  const table = await networkCommand(['network', 'inspect', '--format', 'table', 'demo_default']);
  assert.match(table.stdout, /^demo_default\n {2}stack +demo, as default\n/);
  assert.match(table.stdout, /subnet +10\.5\.0\.0\/24, gateway 10\.5\.0\.1\n/);
  assert.match(
    table.stdout,
    /demo-db-1 \(by hand\) +ts-demo\.db\.1 +ts-db1-abcde - eth1 +10\.5\.0\.2\/24 +02:42:0a:05:00:02 +demo-db-1 store\n/,
  );
  assert.equal((await networkCommand(['network', 'inspect'])).status, 2);
  assert.equal((await networkCommand(['network', 'inspect', 'none'])).status, 1);
});

test('network create sends what was said, and tells what has no effect', async () => {
  const { status, stdout, stderr, sent } = await networkCommand([
    ...['network', 'create', '--subnet', '10.5.0.0/24', '--gateway', '10.5.0.9', '--ip-range', '10.5.0.128/25'],
    ...['--aux-address', 'printer=10.5.0.7', '--internal', '--ipv4=false', '--ipv6', '-o', 'a=b', '--label', 'c', 'n'],
  ]);
  assert.deepEqual([status, stdout, stderr], [0, 'n\n', 'warning: --opt: no effect\n']);
  assert.deepEqual(sent, [
    {
      ...{ name: 'n', subnets: ['10.5.0.0/24'], gateways: ['10.5.0.9'], ipRanges: ['10.5.0.128/25'] },
      ...{ auxAddresses: { printer: '10.5.0.7' }, internal: true, ipv4: false, ipv6: true },
      ...{ driverOptions: { a: 'b' }, labels: { c: '' }, ipamOptions: {} },
    },
  ]);
  const dry = await networkCommand(['--dry-run', 'network', 'create', 'n']);
  assert.match(dry.stdout, /^\+ network n: bridge, 10\.5\.0\.0\/24\n$/);
  assert.equal((dry.sent[0] as { dryRun?: boolean }).dryRun, true);
  assert.equal((await networkCommand(['network', 'create'])).status, 2);
  assert.equal((await networkCommand(['network', 'create', 'a', 'b'])).status, 2);
});

test('network connect and disconnect send the container as it was named', async () => {
  const options = ['--ip', '10.5.0.7', '--alias', 'a', '--alias', 'b', '--gw-priority', '-3', '--index', '2'];
  const { status, sent } = await networkCommand(['network', 'connect', ...options, 'shared', 'db']);
  assert.equal(status, 0);
  const [{ requestId: _, ...request }] = sent as [Record<string, unknown>];
  assert.deepEqual(request, {
    ...{ network: 'shared', container: 'db', selector: { stack: 'demo' }, index: 2 },
    ...{ ip: '10.5.0.7', aliases: ['a', 'b'], linkLocalIps: [], driverOptions: {}, gatewayPriority: -3 },
  });
  const left = await networkCommand(['network', 'disconnect', '-f', 'shared', 'demo-db-1']);
  assert.equal((left.sent[0] as { force: boolean }).force, true);
  for (const bad of [
    ['connect', 'shared'],
    ['disconnect', 'a', 'b', 'c'],
    ['connect', '--gw-priority', 'x', 'a', 'b'],
  ]) {
    assert.equal((await networkCommand(['network', ...bad])).status, 2, bad.join(' '));
  }
});

test('network prune -f removes networks without containers, but not of a stack that has some', async () => {
  const { status, stdout, sent } = await networkCommand(['network', 'prune', '-f']);
  assert.deepEqual([status, stdout], [0, 'gone_default\nshared\n']);
  assert.deepEqual(sent, [{ name: 'gone_default' }, { name: 'shared' }]);
  assert.deepEqual((await networkCommand(['network', 'prune', '-f', '--filter', 'label=tier=web'])).sent, [
    { name: 'shared' },
  ]);
  const asked = await networkCommand(['network', 'prune']);
  assert.deepEqual([asked.status, asked.sent], [2, []], 'nobody can be asked');
  assert.match(asked.stderr, /gone_default, shared[\s\S]*-f/);
});

test('system prune removes the same networks', async () => {
  const prune: Route = (_, response) => json(response, { untagged: [], deleted: [], freedBytes: 0 });
  const { stdout } = await networkCommand(['system', 'prune', '-f'], { 'POST /v1/store/prune': prune });
  assert.equal(stdout, 'Removed network: gone_default\nRemoved network: shared\n');
});

test('network rm goes on after one that is in use; -f is for what is not there', async () => {
  const refuse: Route = (body, response) => {
    const { name } = body as { readonly name: string };
    if (name === 'used') json(response, { code: 'conflict', message: 'Network "used" is in use by demo.db.1' }, 409);
    else if (name === 'none') json(response, { code: 'not-found', message: 'There is no network "none"' }, 404);
    else json(response, {});
  };
  const routes = { 'POST /v1/networks/remove': refuse };
  const { status, stdout, stderr } = await networkCommand(['network', 'rm', 'used', 'free'], routes);
  assert.deepEqual([status, stdout], [1, 'free\n']);
  assert.match(stderr, /in use by demo\.db\.1/);
  assert.equal((await networkCommand(['network', 'rm', '-f', 'none'], routes)).status, 0);
  assert.equal((await networkCommand(['network', 'rm', '-f', 'used'], routes)).status, 1);
});

test('network refuses options and formats that would be ignored', async () => {
  assert.match((await networkCommand(['network', 'remove'])).stderr, /There is no "network remove"/);
  assert.match(
    (await networkCommand(['network', 'rm', '--ip', '1', 'x'])).stderr,
    /--ip has no meaning for "network rm"/,
  );
  assert.match((await networkCommand(['network', 'rm', '--ipv4=false', 'x'])).stderr, /--ipv4 has no meaning/);
  assert.match((await networkCommand(['network', 'create', '--format', '{{.Name}}', 'x'])).stderr, /cannot print/);
});
