import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, disconnect } from '../../src/engine/connect.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { wantedAttachment, wantedNetwork } from '../../src/engine/network-options.ts';
import { deleteNetwork, listNetworks, makeNetwork } from '../../src/engine/networks.ts';
import { recoverRecords } from '../../src/engine/recover.ts';
import { listStacks } from '../../src/engine/stacks.ts';
import { TsstackError } from '../../src/model/error.ts';
import type { ConnectionOptions, NetworkOptions } from '../../src/model/network.ts';
import { shortId } from '../../src/model/short-id.ts';
import { endpoint, network, record, spec } from '../helpers/steps.ts';
import { withEngine } from '../helpers/test-engine.ts';

const NOTHING: NetworkOptions = {
  ...{ name: 'shared', subnets: [], gateways: [], ipRanges: [], auxAddresses: {}, internal: false },
  ...{ driverOptions: {}, labels: {}, ipamOptions: {} },
};
const PLAIN: ConnectionOptions = { aliases: [], linkLocalIps: [], driverOptions: {} };
const REPORTING = { progress: () => undefined, signal: new AbortController().signal };

function addContainer({ machine: { records } }: Engine, stack: string, index: number, changes = {}): void {
  const key = { stack, service: 'web', index };
  const of = spec('web', { key, name: `${stack}-web-${index}`, ...changes });
  const own = endpoint('default', index, { networkName: `${stack}_default`, containerInterface: 'eth0' });
  records.containers.put(record(of, { endpoints: [own] }));
}

test('makeNetwork() makes one of no stack, once; it is found again when the records are lost, and is no stack', () =>
  withEngine(async ({ engine, host, paths }) => {
    const made = await makeNetwork(engine, { ...NOTHING, labels: { a: '$b' }, subnets: ['10.236.1.7/24'] }, false);
    assert.deepEqual([made.stack, made.key, made.labels['a'], made.warnings], ['', 'shared', '$b', []]);
    assert.deepEqual(made.subnets, [{ subnet: '10.236.1.0/24', gateway: '10.236.1.1' }]);
    await assert.rejects(makeNetwork(engine, NOTHING, false), { code: 'conflict', message: /already/ });
    const { records } = engine.machine;
    assert.deepEqual(listStacks(engine), []);
    const described = host
      .take()
      .flatMap((op) => (op.op === 'write-file' && op.path.includes('/networks/') ? [op] : []));
    assert.deepEqual(
      described.map(({ path }) => path),
      [`${paths.state}/networks/shared.json`],
    );
    records.networks.delete('shared');
    const reader = {
      ...host,
      readDirectory: (path: string) => (path === `${paths.state}/networks` ? ['shared.json'] : []),
      readText: () => String(described[0]?.data),
    };
    recoverRecords(reader as unknown as typeof host, paths, records, 'boot');
    assert.equal(records.networks.get('shared')?.subnet4, '10.236.1.0/24');
  }));

test('makeNetwork() with dryRun, or with what cannot be, makes nothing', () =>
  withEngine(async ({ engine, host }) => {
    host.take();
    engine.machine.records.networks.put(network('default', { subnet4: '10.237.0.0/16', subnet6: 'fd00:237::/64' }));
    assert.equal((await makeNetwork(engine, NOTHING, true)).driver, 'bridge');
    const bad: readonly (readonly [Partial<NetworkOptions>, RegExp])[] = [
      [{ name: 'a b' }, /no name of a network/],
      [{ name: '../x' }, /no name of a network/],
      [{ name: 'none' }, /Docker has/],
      [{ name: 'demo_default' }, /already/],
      [{ subnets: ['10.237.9.0/24'] }, /overlaps/],
      [{ subnets: ['fd00:237::/80'] }, /overlaps/],
      [{ subnets: ['10.1.2'] }, /--subnet "10\.1\.2" is not a subnet/],
      [{ subnets: ['10.236.1.0/24'], gateways: ['10.9.9.9'] }, /--gateway 10\.9\.9\.9 is outside/],
      [{ subnets: ['10.236.1.0/24'], ipRanges: ['10.9.9.0/25'] }, /--ip-range 10\.9\.9\.0\/25 is outside/],
      [{ subnets: ['10.236.1.0/24'], auxAddresses: { a: '10.9.9.9' } }, /--aux-address 10\.9\.9\.9 is outside/],
      [{ gateways: ['10.9.9.9'] }, /needs the --subnet/],
      [{ driver: 'nonsense' }, /no driver "nonsense"/],
      [{ driver: 'host' }, /the machine has it/],
    ];
    for (const [options, message] of bad) {
      await assert.rejects(
        makeNetwork(engine, { ...NOTHING, ...options }, false),
        { message },
        JSON.stringify(options),
      );
    }
    assert.deepEqual([host.take(), engine.machine.records.networks.size], [[], 1]);
  }));

test('wantedNetwork() puts gateways and ranges to the subnets that they are in, and warns of what has no effect', () => {
  const { value, warnings } = wantedNetwork({
    ...NOTHING,
    ...{ subnets: ['10.1.0.0/16', 'fd00:1::/64'], gateways: ['fd00:1::9', '10.1.0.9'], ipRanges: ['10.1.9.0/24'] },
    ...{ auxAddresses: { a: '10.1.0.7' }, driverOptions: { unknown: '1' } },
  });
  assert.ok(value.enableIpv6);
  assert.deepEqual(JSON.parse(JSON.stringify(value.ipam)), [
    { subnet: '10.1.0.0/16', gateway: '10.1.0.9', ipRange: '10.1.9.0/24', auxAddresses: { a: '10.1.0.7' } },
    { subnet: 'fd00:1::/64', gateway: 'fd00:1::9', auxAddresses: {} },
  ]);
  assert.match(warnings.join(), /^--opt: .*not do/);
});

test('wantedAttachment() checks what was said, and is nothing where nothing was', () => {
  assert.equal(wantedAttachment('n', PLAIN).value, undefined);
  const { value } = wantedAttachment('n', { ...PLAIN, ip: '10.1.0.7', aliases: ['a'], gatewayPriority: -1 });
  assert.deepEqual([value?.ipv4Address, value?.aliases, value?.gatewayPriority], ['10.1.0.7', ['a'], -1]);
  assert.throws(() => wantedAttachment('n', { ...PLAIN, ip: 'x' }), {
    code: 'usage',
    message: '--ip "x" is not an IP address',
  });
  assert.throws(() => wantedAttachment('n', { ...PLAIN, ip6: 'x' }), { code: 'usage', message: /--ip6/ });
});

test('deleteNetwork() refuses what a stopped container of any stack is on, and what one is about to be on', () =>
  withEngine(async ({ engine, host }) => {
    host.take();
    const { records } = engine.machine;
    records.networks.put(network('default'));
    records.networks.put(network('free'));
    addContainer(engine, 'demo', 1);
    await assert.rejects(deleteNetwork(engine, 'demo_default', false), {
      code: 'conflict',
      message: 'Network "demo_default" is in use by demo.web.1',
      hint: 'Take the containers down first: tsstack -p demo down',
    });
    const coming = { subnets: [], ports: [], containerNames: [], endpoints: [{ networkName: 'demo_free' }] };
    engine.reserved.set('other', coming);
    await assert.rejects(deleteNetwork(engine, 'demo_free', false), { code: 'conflict', message: /stack "other"/ });
    engine.reserved.delete('other');
    await deleteNetwork(engine, 'demo_free', true);
    assert.deepEqual(host.take(), []);
    await deleteNetwork(engine, 'demo_free', false);
    assert.equal(records.networks.get('demo_free'), undefined);
    await assert.rejects(deleteNetwork(engine, 'demo_free', false), { code: 'not-found' });
  }));

test('connect() and disconnect() find a container by all its names, and record what they did', () =>
  withEngine(async ({ engine }) => {
    const { records } = engine.machine;
    for (const stack of ['demo', 'other']) {
      records.networks.put(network('default', { stack, name: `${stack}_default` }));
      for (const index of [1, 2]) addContainer(engine, stack, index);
    }
    await makeNetwork(engine, { ...NOTHING, subnets: ['10.236.1.0/24'] }, false);
    const stack = () => 'demo';
    const names: readonly (readonly [string, number | undefined, string])[] = [
      ['other-web-2', undefined, 'other-web-2'],
      ['other.web.1', undefined, 'other-web-1'],
      [shortId({ stack: 'demo', service: 'web', index: 2 }), undefined, 'demo-web-2'],
      ['web', undefined, 'demo-web-1'],
      ['web', 2, 'demo-web-2'],
    ];
    for (const [container, index, found] of names) {
      const named = { container, stack, ...(index !== undefined && { index }) };
      const { container: joined } = await connect(engine, 'shared', { ...named, options: PLAIN }, REPORTING);
      assert.equal(joined, found, container);
      const [{ users = [] } = {}] = listNetworks(engine).filter(({ name }) => name === 'shared');
      assert.deepEqual(
        users.map(({ name, byHand, ipv4 }) => [name, byHand, ipv4]),
        [[found, true, '10.236.1.2/24']],
      );
      await assert.rejects(connect(engine, 'shared', { ...named, options: PLAIN }, REPORTING), { message: /already/ });
      await disconnect(engine, 'shared', { ...named, force: false }, REPORTING);
      await assert.rejects(disconnect(engine, 'shared', { ...named, force: false }, REPORTING), { code: 'not-found' });
      await disconnect(engine, 'shared', { ...named, force: true }, REPORTING);
    }
    const nobody = { container: 'none', stack, options: PLAIN };
    await assert.rejects(connect(engine, 'shared', nobody, REPORTING), { code: 'not-found', message: /"none"/ });
    const nowhere = () => {
      throw new TsstackError('no-stack-file', 'No stack file');
    };
    await assert.rejects(connect(engine, 'shared', { ...nobody, stack: nowhere }, REPORTING), { code: 'not-found' });
    const plain = { container: 'web', stack, options: PLAIN };
    await assert.rejects(connect(engine, 'none', plain, REPORTING), {
      code: 'not-found',
      message: /no network "none"/,
    });
    await connect(engine, 'shared', plain, { ...REPORTING, dryRun: true });
    assert.ok(!records.containers.all().some(({ endpoints }) => endpoints.length > 1), 'nothing was done');
  }));

test('connect() refuses a container that has no network namespace of its own', () =>
  withEngine(async ({ engine }) => {
    await makeNetwork(engine, NOTHING, false);
    for (const [index, type] of ['host', 'none'].entries()) {
      addContainer(engine, 'demo', index + 1, { networkMode: { type } });
      const wanted = { container: `demo-web-${index + 1}`, stack: () => 'demo', options: PLAIN };
      await assert.rejects(connect(engine, 'shared', wanted, REPORTING), { code: 'conflict', hint: /network_mode/ });
    }
  }));
