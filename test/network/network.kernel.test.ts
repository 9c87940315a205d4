import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { netnsName } from '../../src/model/address.ts';
import type { PublishedPort } from '../../src/model/container.ts';
import { createNetwork, type HostSettings, prepareHost, removeNetwork, restoreHost } from '../../src/network/bridge.ts';
import {
  allowHostAccess,
  createSandbox,
  denyHostAccess,
  removeSandbox,
  repairSandbox,
} from '../../src/network/endpoint.ts';
import {
  endpointDrift,
  inspectNetwork,
  listListeners,
  networkDrift,
  readHostSettings,
} from '../../src/network/inspect.ts';
import { publishPorts, unpublishPorts } from '../../src/network/ports.ts';
import { Machine } from '../helpers/machine.ts';
import { type Agent, startAgent } from '../helpers/net-agent.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';

// A machine with two networks and an internal one, a container on each and two on the first, and a peer outside:
//   peer 192.0.2.9 ── 192.0.2.1 host ┬ front 10.71.1.0/24: web .2, api .3
//                                    ├ back 10.71.2.0/24: db .2
//                                    ├ six 10.71.6.0/24, fd71:6::/64: dual .2, other .3
//                                    └ vault (internal) 10.71.3.0/24: safe .2, key .3
const HOST = '192.0.2.1';
const PEER = '192.0.2.9';
const HOST6 = 'fd00:2::1';
const PEER6 = 'fd00:2::9';
const front = networkOf('front', '10.71.1.0/24');
const back = networkOf('back', '10.71.2.0/24');
const vault = networkOf('vault', '10.71.3.0/24', { internal: true });
const six = networkOf('six', '10.71.6.0/24', { subnet6: 'fd71:6::/64', gateway6: 'fd71:6::1' });
const networks = [front, back, vault, six];
const containers = {
  web: endpointOf(keyOf('web'), front, '10.71.1.2/24'),
  api: endpointOf(keyOf('api'), front, '10.71.1.3/24'),
  db: endpointOf(keyOf('db'), back, '10.71.2.2/24'),
  safe: endpointOf(keyOf('safe'), vault, '10.71.3.2/24'),
  key: endpointOf(keyOf('key'), vault, '10.71.3.3/24'),
  dual: endpointOf(keyOf('dual'), six, '10.71.6.2/24', { ipv6: 'fd71:6::2/64', gateway6: 'fd71:6::1' }),
  other: endpointOf(keyOf('other'), six, '10.71.6.3/24', { ipv6: 'fd71:6::3/64', gateway6: 'fd71:6::1' }),
};
const names = Object.keys(containers) as (keyof typeof containers)[];

describe('packets', () => {
  let machine: Machine;
  let settings: HostSettings;
  let linksBefore: string;
  const agents = new Map<string, Agent>();
  const closing: (() => Promise<void>)[] = [];

  function agent(name: string): Agent {
    const found = agents.get(name);
    assert.ok(found, name);
    return found;
  }

  async function publish(name: keyof typeof containers, port: PublishedPort): Promise<void> {
    await machine.perform(publishPorts(keyOf(name), [port], [containers[name]]));
  }

  before(async () => {
    machine = await Machine.fresh();
    closing.push(() => machine.close());
    linksBefore = machine.exec(['ip', '-br', 'link']).stdout;
    settings = readHostSettings(machine);
    await machine.perform(prepareHost());
    await machine.perform(networks.flatMap((network) => createNetwork(network)));
    await machine.perform(names.flatMap((name) => createSandbox(keyOf(name), [containers[name]])));
    await machine.perform([
      { op: 'ip', args: ['netns', 'add', 'peer'] },
      { op: 'ip', args: ['link', 'add', 'name', 'wan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'peer'] },
      { op: 'ip', args: ['addr', 'add', `${HOST}/24`, 'dev', 'wan'] },
      { op: 'ip', args: ['addr', 'add', `${HOST6}/64`, 'dev', 'wan', 'nodad'] },
      { op: 'ip', args: ['link', 'set', 'dev', 'wan', 'up'] },
      { op: 'ip', netns: 'peer', args: ['link', 'set', 'dev', 'lo', 'up'] },
      { op: 'ip', netns: 'peer', args: ['addr', 'add', `${PEER}/24`, 'dev', 'eth0'] },
      { op: 'ip', netns: 'peer', args: ['addr', 'add', `${PEER6}/64`, 'dev', 'eth0', 'nodad'] },
      { op: 'ip', netns: 'peer', args: ['link', 'set', 'dev', 'eth0', 'up'] },
      // A neighbour who tries: routes by the host to what he should not see.
      { op: 'ip', netns: 'peer', args: ['route', 'add', '10.71.0.0/16', 'via', HOST] },
    ]);
    agents.set('host', startAgent(machine));
    agents.set('peer', startAgent(machine, 'peer'));
    for (const name of names) agents.set(name, startAgent(machine, netnsName(keyOf(name))));
    closing.unshift(...[...agents.values()].map((each) => () => each.close()));
  });

  after(async () => {
    for (const close of closing) await close();
  });

  test('containers of one network reach each other under their own addresses', async () => {
    const port = await agent('api').listen();
    assert.equal(await agent('web').call({ host: '10.71.1.3', port }), '10.71.1.2');
    const safe = await agent('safe').listen();
    assert.equal(await agent('key').call({ host: '10.71.3.2', port: safe }), '10.71.3.3');
  });

  test('containers of different networks do not reach each other', async () => {
    const port = await agent('db').listen();
    assert.equal(await agent('db').call({ host: '10.71.2.2', port }), '10.71.2.2');
    assert.ok(await agent('web').isSilent({ host: '10.71.2.2', port }));
  });

  test('the host reaches containers directly', async () => {
    const port = await agent('db').listen();
    assert.equal(await agent('host').call({ host: '10.71.2.2', port }), '10.71.2.1');
  });

  test('a container reaches the world outside with the address of the host', async () => {
    const port = await agent('peer').listen();
    assert.equal(await agent('web').call({ host: PEER, port }), HOST);
  });

  test('a container of an internal network has no way out, even with a route', async () => {
    const port = await agent('peer').listen();
    assert.equal(await agent('safe').call({ host: PEER, port }), 'ENETUNREACH');
    const netns = netnsName(keyOf('safe'));
    await machine.perform([{ op: 'ip', netns, args: ['route', 'add', 'default', 'via', '10.71.3.1'] }]);
    assert.ok(await agent('safe').isSilent({ host: PEER, port }));
    await publish('db', { protocol: 'tcp', hostPort: 7999, containerPort: await agent('db').listen() });
    assert.ok(await agent('safe').isSilent({ host: HOST, port: 7999 }));
    await machine.perform([{ op: 'ip', netns, args: ['route', 'del', 'default'] }]);
  });

  test('a container does not reach sockets of the host, but for host access', async () => {
    const port = await agent('host').listen();
    for (const host of ['10.71.1.1', '10.71.2.1', HOST]) assert.ok(await agent('web').isSilent({ host, port }), host);
    await machine.perform(allowHostAccess([containers.web]));
    assert.equal(await agent('web').call({ host: '10.71.1.1', port }), '10.71.1.2');
    assert.ok(await agent('api').isSilent({ host: '10.71.1.1', port }));
    await machine.perform(denyHostAccess([containers.web]));
    assert.ok(await agent('web').isSilent({ host: '10.71.1.1', port }));
  });

  test('a container reaches DNS on its own gateway only', async () => {
    await agent('host').listen('0.0.0.0', 53);
    assert.equal(await agent('web').call({ host: '10.71.1.1', port: 53 }), '10.71.1.2');
    assert.equal(await agent('safe').call({ host: '10.71.3.1', port: 53 }), '10.71.3.2');
    assert.ok(await agent('web').isSilent({ host: '10.71.2.1', port: 53 }));
  });

  test('a published port answers on every address of the host, to every caller, with callers’ addresses kept', async () => {
    const containerPort = await agent('web').listen();
    await publish('web', { protocol: 'tcp', hostPort: 8001, containerPort });
    assert.equal(await agent('peer').call({ host: HOST, port: 8001 }), PEER);
    assert.equal(await agent('host').call({ host: '127.0.0.1', port: 8001 }), '10.71.1.1');
    assert.equal(await agent('host').call({ host: HOST, port: 8001 }), HOST);
    assert.equal(await agent('db').call({ host: HOST, port: 8001 }), '10.71.2.2');
    // Hairpin: from its own network, and the container itself.
    assert.equal(await agent('api').call({ host: HOST, port: 8001 }), '10.71.1.1');
    assert.equal(await agent('api').call({ host: '10.71.1.1', port: 8001 }), '10.71.1.1');
    assert.equal(await agent('web').call({ host: HOST, port: 8001 }), '10.71.1.1');
    assert.ok(await agent('peer').isSilent({ host: '10.71.1.2', port: containerPort }));
  });

  test('a published UDP port answers from outside and from the host', async () => {
    const containerPort = await agent('web').listenUdp();
    await publish('web', { protocol: 'udp', hostPort: 8002, containerPort });
    assert.equal(await agent('peer').callUdp({ host: HOST, port: 8002 }), PEER);
    assert.equal(await agent('host').callUdp({ host: '127.0.0.1', port: 8002 }), '10.71.1.1');
  });

  test('a port published on 127.0.0.1 answers to the host alone', async () => {
    const containerPort = await agent('web').listen();
    await publish('web', { protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8003, containerPort });
    assert.equal(await agent('host').call({ host: '127.0.0.1', port: 8003 }), '10.71.1.1');
    assert.equal(await agent('peer').call({ host: HOST, port: 8003 }), 'ECONNREFUSED');
    assert.ok(await agent('api').isSilent({ host: '10.71.1.1', port: 8003 }));
  });

  test('the loopback of the host is out of reach for packets forged from outside and from a bridge', async () => {
    const port = await agent('host').listen('127.0.0.1');
    const containerPort = await agent('web').listen();
    await publish('web', { protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8004, containerPort });
    await publish('web', { protocol: 'tcp', hostPort: 8005, containerPort });
    // They send to 127.0.0.1 by the host, as a neighbour with an own kernel can.
    const forge = (netns: string, gateway: string): readonly (readonly string[])[] =>
      [
        ['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet'],
        ['ip', 'addr', 'flush', 'dev', 'lo'],
        ['ip', 'route', 'flush', 'table', 'local', '127.0.0.0/8'],
        ['ip', 'route', 'add', '127.0.0.1/32', 'via', gateway],
      ].map((argv) => ['ip', 'netns', 'exec', netns, ...argv]);
    for (const argv of [...forge('peer', HOST), ...forge(netnsName(keyOf('api')), '10.71.1.1')]) {
      const { exitCode, stderr } = machine.exec(argv);
      assert.equal(exitCode, 0, `${argv.join(' ')}: ${stderr}`);
    }
    // Access to the host is not access to its loopback.
    await machine.perform(allowHostAccess([containers.api]));
    for (const forger of ['peer', 'api']) {
      for (const target of [port, 8004, 8005]) {
        assert.ok(await agent(forger).isSilent({ host: '127.0.0.1', port: target }), `${forger} reached ${target}`);
      }
    }
  });

  test('a container can’t have the host answer to its own loopback', async () => {
    const netns = netnsName(keyOf('db'));
    const dns = { host: '10.71.2.1', port: 53 };
    await agent('host').listenUdp('0.0.0.0', 53);
    machine.exec(['ip', 'netns', 'exec', netns, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet']);
    assert.equal(await agent('db').send('127.0.0.1', dns), 'sent');
    // Datagrams don't overtake each other: when this one has been answered, the forged one would have arrived.
    assert.equal(await agent('db').callUdp(dns), '10.71.2.2');
    assert.deepEqual(await agent('host').heard(), ['10.71.2.2']);
  });

  test('IPv6: neighbours, the world outside, published ports, and no way to the host or into other networks', async () => {
    const port = await agent('dual').listen('::');
    assert.equal(await agent('other').call({ host: 'fd71:6::2', port }), 'fd71:6::3');
    assert.equal(await agent('dual').call({ host: PEER6, port: await agent('peer').listen('::') }), HOST6);
    await publish('dual', { protocol: 'tcp', hostPort: 8008, containerPort: port });
    assert.equal(await agent('peer').call({ host: HOST6, port: 8008 }), PEER6);
    assert.equal(await agent('peer').call({ host: HOST, port: 8008 }), PEER);
    assert.equal(await agent('other').call({ host: HOST6, port: 8008 }), 'fd71:6::1');
    assert.equal(await agent('dual').call({ host: HOST6, port: 8008 }), 'fd71:6::1');
    const onHost = await agent('host').listen('::');
    for (const host of ['fd71:6::1', HOST6]) assert.ok(await agent('dual').isSilent({ host, port: onHost }), host);
    assert.equal(await agent('web').call({ host: HOST6, port: onHost }), 'ENETUNREACH');
    assert.doesNotMatch(machine.exec(['ip', '-n', netnsName(keyOf('web')), 'addr']).stdout, /fe80/);
    assert.doesNotMatch(machine.exec(['ip', 'addr', 'show', 'dev', front.bridge]).stdout, /inet6/);
  });

  test('an unpublished port answers no more', async () => {
    const port: PublishedPort = { protocol: 'tcp', hostPort: 8006, containerPort: await agent('web').listen() };
    await publish('web', port);
    assert.equal(await agent('peer').call({ host: HOST, port: 8006 }), PEER);
    await machine.perform(unpublishPorts(keyOf('web'), [port], [containers.web]));
    assert.equal(await agent('peer').call({ host: HOST, port: 8006 }), 'ECONNREFUSED');
  });

  test('all is as made: no drift; repeating every operation changes nothing', async () => {
    const port: PublishedPort = { protocol: 'tcp', hostPort: 8007, containerPort: 80 };
    const rules = () =>
      machine.exec(['nft', 'list', 'table', 'inet', 'tsstack']).stdout.replaceAll(/elements = [^}]*\}/g, '');
    const before = rules();
    for (let round = 0; round < 2; round += 1) {
      await machine.perform(prepareHost());
      await machine.perform(networks.flatMap((network) => createNetwork(network)));
      await machine.perform(repairSandbox(keyOf('db'), [containers.db]));
      await publish('db', port);
    }
    assert.equal(rules(), before);
    const state = await inspectNetwork(machine);
    for (const network of networks) assert.deepEqual(networkDrift(state, network), []);
    assert.deepEqual(endpointDrift(state, netnsName(keyOf('db')), [containers.db], [port]), []);
    assert.equal(state.publishedPorts.get('tcp * 8007'), '10.71.2.2 80');
    assert.ok(state.routes.some(({ destination, device }) => destination === '10.71.2.0/24' && device === back.bridge));
    assert.match(
      machine.exec(['ip', 'link', 'show', containers.db.hostInterface]).stdout,
      /alias tsstack demo service\.db\[1\] back/,
    );
  });

  test('what is missing in the kernel is drift', async () => {
    await machine.perform(removeSandbox(keyOf('key'), []));
    await machine.perform([{ op: 'ip', args: ['link', 'set', 'dev', vault.bridge, 'down'] }]);
    const state = await inspectNetwork(machine);
    const messages = [
      ...networkDrift(state, vault),
      ...endpointDrift(state, netnsName(keyOf('key')), [containers.key], []),
      ...endpointDrift(
        state,
        netnsName(keyOf('db')),
        [containers.db],
        [{ protocol: 'tcp', hostPort: 9, containerPort: 9 }],
      ),
    ].map(({ kind, message }) => `${kind}: ${message}`);
    assert.deepEqual(messages, [
      `network: bridge ${vault.bridge} is down`,
      'network: network namespace ts-demo.key.1 is missing',
      'ports: port tcp * 9 is not published',
    ]);
  });

  test('listListeners() names sockets with their owners', async () => {
    const port = await agent('host').listen();
    const listener = (await listListeners(machine)).find((each) => each.port === port);
    assert.equal(listener?.address, '0.0.0.0');
    assert.match(listener.owner ?? '', /^(node|MainThread) \(pid \d+\)$/);
  });

  test('nothing is left after removal, also when it is done twice', async () => {
    for (const name of [...agents.keys()]) await agent(name).close();
    for (let round = 0; round < 2; round += 1) {
      await machine.perform(names.flatMap((name) => removeSandbox(keyOf(name), [containers[name]])));
      await machine.perform(networks.flatMap((network) => removeNetwork(network)));
    }
    const state = await inspectNetwork(machine);
    assert.deepEqual([...state.bridges], []);
    await machine.perform([{ op: 'ip', args: ['netns', 'del', 'peer'] }]);
    await machine.perform(restoreHost(settings, readHostSettings(machine)));
    assert.deepEqual(readHostSettings(machine), settings);
    assert.equal(machine.exec(['nft', 'list', 'ruleset']).stdout, '');
    // The kernel removes the veth pairs of a deleted namespace in the background.
    const deadline = Date.now() + 10_000;
    while (machine.exec(['ip', '-br', 'link']).stdout !== linksBefore)
      assert.ok(Date.now() < deadline, 'links are left');
  });
});
