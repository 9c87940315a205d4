import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { RealHost } from '../../src/host/real-host.ts';
import { netnsName } from '../../src/model/address.ts';
import { createNetwork, prepareHost } from '../../src/network/bridge.ts';
import { createSandbox, removeSandbox } from '../../src/network/endpoint.ts';
import { endpointDrift, inspectNetwork } from '../../src/network/inspect.ts';
import { Machine } from '../helpers/machine.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';

test('a sandbox is made again while the links of the one before are still there', { skip }, async () => {
  const machine = await Machine.fresh();
  const key = keyOf('web');
  const network = networkOf('front', '10.71.1.0/24');
  const endpoint = endpointOf(key, network, '10.71.1.2/24');
  // Commands as the daemon runs them, joined in batches, but inside the machine.
  const host = new RealHost((argv, options) => machine.run(argv, options));
  try {
    await machine.perform([...prepareHost(), ...createNetwork(network)]);
    await host.perform(createSandbox(key, [endpoint]));
    // The kernel takes links away when nobody is in their namespace any more: somebody is.
    const [command = '', ...words] = machine.argv(['sh', '-c', 'echo ready; exec cat'], netnsName(key));
    const inside = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(inside.stdout, 'data');
    try {
      await host.perform(removeSandbox(key, []));
      await host.perform(createSandbox(key, [endpoint]));
      assert.deepEqual(endpointDrift(await inspectNetwork(machine), netnsName(key), [endpoint], []), []);
      const addresses = machine.exec(['ip', '-n', netnsName(key), '-br', 'addr', 'show', 'dev', 'eth0']);
      assert.match(addresses.stdout, /UP +10\.71\.1\.2\/24/);
    } finally {
      const ended = once(inside, 'exit');
      inside.stdin.end();
      await ended;
    }
  } finally {
    await machine.close();
  }
});
