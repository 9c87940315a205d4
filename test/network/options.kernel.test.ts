import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { netnsName } from '../../src/model/address.ts';
import { NETWORK_OPTIONS } from '../../src/model/network-options.ts';
import { createNetwork, prepareHost } from '../../src/network/bridge.ts';
import { createSandbox, repairSandbox } from '../../src/network/endpoint.ts';
import { insideDrift, isolationDrift } from '../../src/network/inside.ts';
import { endpointDrift, inspectNetwork, networkDrift } from '../../src/network/inspect.ts';
import { publishPorts, unpublishPorts } from '../../src/network/ports.ts';
import { Machine } from '../helpers/machine.ts';
import { type Agent, startAgent } from '../helpers/net-agent.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';

// A machine with a network whose containers don't talk to each other, one that is routed, one of IPv6 alone, and a peer:
//   peer 192.0.2.9 ── 192.0.2.1 host ┬ apart (br-apart) 10.71.1.0/24: one .2, two .3
//                                    ├ routed 10.71.2.0/24: web .2
//                                    └ six fd71:6::/64: a ::2, b ::3
const HOST = '192.0.2.1';
const PEER = '192.0.2.9';
const apart = networkOf('apart', '10.71.1.0/24', {
  bridge: 'br-apart',
  driverOptions: { [NETWORK_OPTIONS.bridgeName]: 'br-apart', [NETWORK_OPTIONS.betweenContainers]: 'false' },
});
const routed = networkOf('routed', '10.71.2.0/24', { driverOptions: { [NETWORK_OPTIONS.gatewayMode4]: 'routed' } });
const { subnet4: _, gateway4: __, ...bare } = networkOf('six', '10.71.3.0/24');
const six = { ...bare, subnet6: 'fd71:6::/64', gateway6: 'fd71:6::1' };

/** An endpoint of the network of IPv6 alone. */
function sixth(service: string, ipv6: string) {
  const { ipv4: _ipv4, ...rest } = endpointOf(keyOf(service), six, '');
  return { ...rest, ipv6, gateway6: 'fd71:6::1' };
}

const containers = {
  one: endpointOf(keyOf('one'), apart, '10.71.1.2/24', {
    isolated: true,
    linkLocal: ['169.254.8.8/16', 'fe80::8/64'],
    sysctls: { 'net.ipv4.conf.eth0.log_martians': '1' },
  }),
  two: endpointOf(keyOf('two'), apart, '10.71.1.3/24', { isolated: true }),
  web: endpointOf(keyOf('web'), routed, '10.71.2.2/24', { routed4: true }),
  a: sixth('a', 'fd71:6::2/64'),
  b: sixth('b', 'fd71:6::3/64'),
};
const names = Object.keys(containers) as (keyof typeof containers)[];

describe('options of networks', { skip: process.getuid?.() === 0 ? false : 'not root' }, () => {
  let machine: Machine;
  const agents = new Map<string, Agent>();
  const closing: (() => Promise<void>)[] = [];

  function agent(name: string): Agent {
    const found = agents.get(name);
    assert.ok(found, name);
    return found;
  }

  before(async () => {
    machine = await Machine.fresh();
    closing.push(() => machine.close());
    // /sys/class/net is that of whoever mounted it.
    await machine.perform([{ op: 'run', argv: ['mount', '-t', 'sysfs', 'sysfs', '/sys'] }, ...prepareHost()]);
    await machine.perform([apart, routed, six].flatMap((network) => createNetwork(network)));
    await machine.perform(names.flatMap((name) => createSandbox(keyOf(name), [containers[name]])));
    await machine.perform([
      { op: 'ip', args: ['netns', 'add', 'peer'] },
      { op: 'ip', args: ['link', 'add', 'name', 'wan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'peer'] },
      { op: 'ip', args: ['addr', 'add', `${HOST}/24`, 'dev', 'wan'] },
      { op: 'ip', args: ['link', 'set', 'dev', 'wan', 'up'] },
      { op: 'ip', netns: 'peer', args: ['addr', 'add', `${PEER}/24`, 'dev', 'eth0'] },
      { op: 'ip', netns: 'peer', args: ['link', 'set', 'dev', 'eth0', 'up'] },
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

  test('without inter-container communication they reach the host and the world, and are published, but nobody beside', async () => {
    const port = await agent('two').listen();
    const out = await agent('peer').listen();
    assert.notEqual(await agent('one').call({ host: '10.71.1.3', port }), '10.71.1.2');
    // Nor by way of the host.
    const netns = netnsName(keyOf('one'));
    await machine.perform([{ op: 'ip', netns, args: ['route', 'add', '10.71.1.3', 'via', '10.71.1.1'] }]);
    assert.ok(await agent('one').isSilent({ host: '10.71.1.3', port }));
    await machine.perform([{ op: 'ip', netns, args: ['route', 'del', '10.71.1.3'] }]);
    assert.equal(await agent('one').call({ host: PEER, port: out }), HOST);
    assert.equal(await agent('host').call({ host: '10.71.1.3', port }), '10.71.1.1');
    const published = { protocol: 'tcp', hostPort: 7080, containerPort: port } as const;
    await machine.perform(publishPorts(keyOf('two'), [published], [containers.two]));
    assert.equal(await agent('peer').call({ host: HOST, port: 7080 }), PEER);
  });

  test('in gateway mode "routed" addresses are kept, and published ports answer at the container’s own address only', async () => {
    const port = await agent('web').listen();
    const other = await agent('web').listen();
    const out = await agent('peer').listen();
    assert.equal(await agent('web').call({ host: PEER, port: out }), '10.71.2.2');
    assert.ok(await agent('peer').isSilent({ host: '10.71.2.2', port }));
    const published = { protocol: 'tcp', hostPort: 7081, containerPort: port } as const;
    await machine.perform(publishPorts(keyOf('web'), [published], [containers.web]));
    assert.equal(await agent('peer').call({ host: '10.71.2.2', port }), PEER);
    assert.equal(await agent('one').call({ host: '10.71.2.2', port }), '10.71.1.2');
    assert.equal(await agent('peer').call({ host: HOST, port: 7081 }), 'ECONNREFUSED');
    assert.ok(await agent('peer').isSilent({ host: '10.71.2.2', port: other }));
    const state = () => inspectNetwork(machine);
    const drift = async () => endpointDrift(await state(), netnsName(keyOf('web')), [containers.web], [published]);
    assert.deepEqual(await drift(), []);
    await machine.perform(unpublishPorts(keyOf('web'), [published], [containers.web]));
    assert.deepEqual(
      (await drift()).map(({ message }) => message),
      [`nft set inet tsstack open4 lacks 10.71.2.2 . tcp . ${port}`],
    );
  });

  test('on a network of IPv6 alone containers reach each other', async () => {
    const port = await agent('b').listen('::');
    assert.match(await agent('a').call({ host: 'fd71:6::3', port }), /fd71:6::2/);
  });

  test('link-local addresses and settings are in the container', async () => {
    const netns = netnsName(keyOf('one'));
    const { stdout } = machine.exec(['ip', '-n', netns, 'addr', 'show', 'dev', 'eth0']);
    assert.match(stdout, /inet 169\.254\.8\.8\/16 scope link eth0/);
    assert.match(stdout, /inet6 fe80::8\/64 scope link/);
    const file = '/proc/sys/net/ipv4/conf/eth0/log_martians';
    assert.equal(machine.exec(['ip', 'netns', 'exec', netns, 'cat', file]).stdout, '1\n');
  });

  test('what is missing of it is seen and made again', async () => {
    const pidOf = (name: string) => {
      const { stdout } = machine.exec(['ip', 'netns', 'pids', netnsName(keyOf(name))]);
      return Number(stdout.split('\n')[0]);
    };
    const messages = (name: keyof typeof containers) =>
      [...insideDrift(machine, pidOf(name), [containers[name]]), ...isolationDrift(machine, [containers[name]])].map(
        ({ message }) => message,
      );
    const ip = (name: string, ...args: string[]) =>
      machine.perform([{ op: 'ip', netns: netnsName(keyOf(name)), args }]);
    for (const name of names) assert.deepEqual(messages(name), [], name);

    await ip('one', 'addr', 'del', 'fe80::8/64', 'dev', 'eth0');
    assert.deepEqual(messages('one'), ['eth0 lacks address fe80::8/64 in the container']);
    await ip('one', 'addr', 'add', 'fe80::8/64', 'dev', 'eth0', 'nodad');
    const port = ['link', 'set', 'dev', containers.one.hostInterface, 'type', 'bridge_slave', 'isolated', 'off'];
    await machine.perform([{ op: 'ip', args: port }]);
    assert.deepEqual(messages('one'), [`veth ${containers.one.hostInterface} is not isolated`]);
    await ip('a', 'route', 'del', 'default', 'via', 'fd71:6::1', 'dev', 'eth0');
    assert.deepEqual(messages('a'), ['eth0 lacks the default route by fd71:6::1 in the container']);
    await ip('b', 'link', 'set', 'dev', 'eth0', 'down');
    assert.equal(messages('b').length, 1);
    for (const name of ['one', 'a', 'b'] as const)
      await machine.perform(repairSandbox(keyOf(name), [containers[name]]));
    for (const name of names) assert.deepEqual(messages(name), [], name);

    const limited = { ...routed, driverOptions: { ...routed.driverOptions, [NETWORK_OPTIONS.mtu]: '1400' } };
    const [drift] = networkDrift(await inspectNetwork(machine), limited);
    assert.match(drift?.message ?? '', /has MTU 1500, not 1400/);
    await machine.perform(createNetwork(limited, routed));
    assert.deepEqual(networkDrift(await inspectNetwork(machine), limited), []);
  });
});
