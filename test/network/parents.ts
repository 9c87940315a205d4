import assert from 'node:assert/strict';
import { test } from 'node:test';
import { netnsName } from '../../src/model/address.ts';
import type { Endpoint, NetworkSpec } from '../../src/model/container.ts';
import { driftOf, setUpNetwork, takeDownNetwork } from '../../src/network/driver.ts';
import { connectEndpoint, createSandbox, disconnectEndpoint, removeSandbox } from '../../src/network/endpoint.ts';
import { insideDrift } from '../../src/network/inside.ts';
import { inspectNetwork } from '../../src/network/inspect.ts';
import { Machine } from '../helpers/machine.ts';
import { startAgent } from '../helpers/net-agent.ts';
import { keyOf } from './fixtures.ts';

const notRoot = process.getuid?.() === 0 ? false : 'not root';

function networkOn(key: string, parent: NonNullable<NetworkSpec['parent']>, subnet4: string): NetworkSpec {
  return {
    stack: 'demo',
    key,
    name: `demo_${key}`,
    driver: parent.driver,
    driverOptions: {},
    internal: parent.dummy === true,
    labels: {},
    parent,
    subnet4,
    reserved4: [],
  };
}

function endpointOn(network: NetworkSpec, ipv4: string, more: Partial<Endpoint> = {}): Endpoint {
  const { driver = 'macvlan', device = '', mode = '' } = network.parent ?? {};
  return {
    network: network.key,
    networkName: network.name,
    parent: { driver, device, mode },
    containerInterface: 'eth0',
    ipv4,
    names: [],
    ...more,
  };
}

/** A machine with `lan0`, a cable to `router` (192.0.2.1). Throws where the kernel has not the kind of link. */
async function machineWith(kind: string): Promise<Machine> {
  const machine = await Machine.fresh();
  await machine.perform([
    { op: 'ip', args: ['netns', 'add', 'router'] },
    { op: 'ip', args: ['link', 'add', 'name', 'lan0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'router'] },
    { op: 'ip', args: ['link', 'set', 'dev', 'lan0', 'up'] },
    { op: 'ip', netns: 'router', args: ['addr', 'add', '192.0.2.1/24', 'dev', 'eth0'] },
    { op: 'ip', netns: 'router', args: ['link', 'set', 'dev', 'eth0', 'up'] },
  ]);
  const below = kind === 'dummy' ? [] : ['link', 'lan0'];
  const id = kind === 'vlan' ? ['id', '7'] : [];
  const probe = machine.exec(['ip', 'link', 'add', ...below, 'name', 'probe', 'type', kind, ...id]);
  if (probe.exitCode !== 0) {
    await machine.close();
    throw new Error(`this kernel has no ${kind}: ${probe.stderr}`);
  }
  machine.exec(['ip', 'link', 'del', 'dev', 'probe']);
  return machine;
}

/** Containers on a macvlan or ipvlan reach what is on the parent, and each other as the mode has it. */
export function testNeighbours(driver: 'macvlan' | 'ipvlan', mode: string): void {
  test(`${driver}, mode ${mode}: containers are neighbours of what is on the parent, under addresses of their own`, {
    skip: notRoot,
  }, async () => {
    const machine = await machineWith(driver);
    const network = networkOn('lan', { driver, device: 'lan0', mode }, '192.0.2.0/24');
    const way = mode === 'l3' ? { defaultRoute: true as const } : { gateway4: '192.0.2.1' };
    const web = endpointOn(network, '192.0.2.10/24', { ...way, linkLocal: ['169.254.3.3/16'] });
    const api = endpointOn(network, '192.0.2.11/24', way);
    const before = machine.exec(['ip', '-br', 'link']).stdout;
    try {
      assert.deepEqual(setUpNetwork(network), []);
      await machine.perform([...createSandbox(keyOf('web'), [web]), ...createSandbox(keyOf('api'), [api])]);
      // Made again over what an earlier attempt has left.
      await machine.perform(createSandbox(keyOf('web'), [web]));
      assert.equal(machine.exec(['ip', '-br', 'link']).stdout, before, 'nothing of it is on the host');
      // The router is in no such mode itself: it must know who has the addresses.
      if (mode === 'l3') machine.exec(['ip', '-n', 'router', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.10']);
      const agents = {
        router: startAgent(machine, 'router'),
        web: startAgent(machine, netnsName(keyOf('web'))),
        api: startAgent(machine, netnsName(keyOf('api'))),
      };
      try {
        const outside = await agents.router.listen();
        const inside = await agents.web.listen();
        const pid = Number(machine.exec(['ip', 'netns', 'pids', netnsName(keyOf('web'))]).stdout.split('\n')[0]);
        if (mode !== 'l3') {
          assert.equal(await agents.web.call({ host: '192.0.2.1', port: outside }), '192.0.2.10');
          assert.equal(await agents.router.call({ host: '192.0.2.10', port: inside }), '192.0.2.1');
        }
        const beside = await agents.api.call({ host: '192.0.2.10', port: inside });
        assert.equal(beside === '192.0.2.11', mode !== 'private', beside);
        assert.deepEqual(insideDrift(machine, pid, [web]), []);
        assert.deepEqual(driftOf(await inspectNetwork(machine), network), []);

        await machine.perform(disconnectEndpoint(keyOf('web'), web));
        assert.match(insideDrift(machine, pid, [web])[0]?.message ?? '', /eth0 \(of lan0\) is missing/);
        await machine.perform(connectEndpoint(keyOf('web'), web));
        assert.deepEqual(insideDrift(machine, pid, [web]), []);
        const port = await agents.web.listen();
        if (mode !== 'private') assert.equal(await agents.api.call({ host: '192.0.2.10', port }), '192.0.2.11');
      } finally {
        for (const agent of Object.values(agents)) await agent.close();
      }
      await machine.perform([...removeSandbox(keyOf('web'), []), ...removeSandbox(keyOf('api'), [])]);
      await machine.perform(takeDownNetwork(network, { link: 'delete' }));
      assert.equal(machine.exec(['ip', '-br', 'link']).stdout, before);
    } finally {
      await machine.close();
    }
  });
}

/** A parent that is made for its networks. */
export function testParent(kind: 'vlan' | 'dummy', parent: NonNullable<NetworkSpec['parent']>): void {
  test(`a parent of the kind ${kind} is made with the network, seen when it is gone, and goes with it`, {
    skip: notRoot,
  }, async () => {
    const machine = await machineWith(kind);
    const network = networkOn('lan', parent, '192.0.2.0/24');
    const drift = async () => driftOf(await inspectNetwork(machine), network).map(({ message }) => message);
    try {
      await machine.perform(setUpNetwork(network));
      assert.deepEqual(await drift(), []);
      assert.match(
        machine.exec(['ip', 'link', 'show', 'dev', parent.device]).stdout,
        /alias tsstack demo network\.lan/,
      );
      await machine.perform([{ op: 'ip', args: ['link', 'set', 'dev', parent.device, 'down'] }]);
      assert.deepEqual(await drift(), [`interface ${parent.device} is down`]);
      await machine.perform(setUpNetwork(network, network));
      assert.deepEqual(await drift(), []);
      const heir = { ...network, key: 'other', name: 'demo_other' };
      await machine.perform(takeDownNetwork(network, { link: 'delete', heir }));
      assert.match(
        machine.exec(['ip', 'link', 'show', 'dev', parent.device]).stdout,
        /alias tsstack demo network\.other/,
      );
      await machine.perform(takeDownNetwork(heir, { link: 'delete' }));
      assert.deepEqual(await drift(), [`interface ${parent.device} is missing`]);
      await machine.perform(takeDownNetwork(heir, { link: 'delete' }));
    } finally {
      await machine.close();
    }
  });
}
