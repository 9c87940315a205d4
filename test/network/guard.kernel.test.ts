import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { netnsName } from '../../src/model/address.ts';
import { createNetwork, prepareHost } from '../../src/network/bridge.ts';
import { createSandbox } from '../../src/network/endpoint.ts';
import { linkLocalFor, macFor } from '../../src/network/mac.ts';
import { Machine } from '../helpers/machine.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';
import {
  arp,
  encode,
  type Frame,
  ipv4,
  ipv6,
  neighbourAdvertisement,
  neighbourSolicitation,
  routerAdvertisement,
} from './frames.ts';

// Three on one network: mallory sends what she likes, alice listens, bob is who mallory would like to be. The router has
// NET_ADMIN.
const network = networkOf('front', '10.71.1.0/24', { subnet6: 'fd71:1::/64', gateway6: 'fd71:1::1' });
const people = ['mallory', 'alice', 'bob', 'router'] as const;
type Person = (typeof people)[number];
const address = { mallory: '10.71.1.2', alice: '10.71.1.3', bob: '10.71.1.4', router: '10.71.1.5' };
const address6 = { mallory: 'fd71:1::2', alice: 'fd71:1::3', bob: 'fd71:1::4', router: 'fd71:1::5' };
const endpoints = Object.fromEntries(
  people.map((name) => [
    name,
    endpointOf(keyOf(name), network, `${address[name]}/24`, { ipv6: `${address6[name]}/64`, gateway6: 'fd71:1::1' }),
  ]),
) as Record<Person, ReturnType<typeof endpointOf>>;
const mac = (name: Person): string => macFor(address[name]);
const GATEWAY_MAC = macFor('10.71.1.1');
const STRANGER_MAC = '02:00:00:00:00:99';
const link = { from: mac('mallory'), to: mac('alice') };

/** A row: what it is, what mallory sends, whether alice gets it; and whether she does from the router, with its own addresses in place of mallory's. */
const rows: readonly (readonly [string, (me: Person) => Frame, boolean, boolean])[] = [
  ['a packet from its own address', (me) => ipv4({ ...link, from: mac(me) }, address[me], address.alice), true, true],
  [
    'a packet from a neighbour’s address',
    (me) => ipv4({ ...link, from: mac(me) }, address.bob, address.alice),
    false,
    false,
  ],
  [
    'a packet from the gateway’s address',
    (me) => ipv4({ ...link, from: mac(me) }, '10.71.1.1', address.alice),
    false,
    false,
  ],
  [
    'a packet from an address of nobody',
    (me) => ipv4({ ...link, from: mac(me) }, '10.71.1.77', address.alice),
    false,
    true,
  ],
  ['a packet from elsewhere', (me) => ipv4({ ...link, from: mac(me) }, '192.0.2.1', address.alice), false, true],
  [
    'a frame from a neighbour’s hardware',
    (me) => ipv4({ ...link, from: mac('bob') }, address[me], address.alice),
    false,
    false,
  ],
  [
    'a frame from the gateway’s hardware',
    (me) => ipv4({ ...link, from: GATEWAY_MAC }, address[me], address.alice),
    false,
    false,
  ],
  [
    'a frame from hardware of nobody',
    (me) => ipv4({ ...link, from: STRANGER_MAC }, address[me], address.alice),
    false,
    true,
  ],
  ['ARP: I am myself', (me) => arp({ ...link, from: mac(me) }, mac(me), address[me]), true, true],
  ['ARP: I am the neighbour', (me) => arp({ ...link, from: mac(me) }, mac(me), address.bob), false, false],
  ['ARP: I am the gateway', (me) => arp({ ...link, from: mac(me) }, mac(me), '10.71.1.1'), false, false],
  [
    'ARP: my address is at the neighbour’s hardware',
    (me) => arp({ ...link, from: mac(me) }, mac('bob'), address[me]),
    false,
    false,
  ],
  ['ARP: I am one that nobody is', (me) => arp({ ...link, from: mac(me) }, mac(me), '10.71.1.77'), false, true],
  ['ARP: has anybody this address', (me) => arp({ ...link, from: mac(me) }, mac(me), '0.0.0.0'), true, true],
  ['IPv6 from its own address', (me) => ipv6({ ...link, from: mac(me) }, address6[me], address6.alice), true, true],
  [
    'IPv6 from its link-local address',
    (me) => ipv6({ ...link, from: mac(me) }, linkLocalFor(mac(me)), address6.alice),
    true,
    true,
  ],
  [
    'IPv6 from a neighbour’s address',
    (me) => ipv6({ ...link, from: mac(me) }, address6.bob, address6.alice),
    false,
    false,
  ],
  [
    'IPv6 from a neighbour’s link-local address',
    (me) => ipv6({ ...link, from: mac(me) }, linkLocalFor(mac('bob')), address6.alice),
    false,
    false,
  ],
  [
    'IPv6 from the gateway’s link-local address',
    (me) => ipv6({ ...link, from: mac(me) }, linkLocalFor(GATEWAY_MAC), address6.alice),
    false,
    false,
  ],
  [
    'IPv6 from an address of nobody',
    (me) => ipv6({ ...link, from: mac(me) }, 'fd71:1::77', address6.alice),
    false,
    true,
  ],
  ['IPv6 without an address', (me) => ipv6({ ...link, from: mac(me) }, '::', address6.alice), false, true],
  [
    'NS: has anybody this address',
    (me) => neighbourSolicitation({ ...link, from: mac(me) }, '::', address6.alice),
    true,
    true,
  ],
  [
    'NS: from the neighbour',
    (me) => neighbourSolicitation({ ...link, from: mac(me) }, address6.bob, address6.alice),
    false,
    false,
  ],
  [
    'NA: I am myself',
    (me) => neighbourAdvertisement({ ...link, from: mac(me) }, address6[me], address6[me]),
    true,
    true,
  ],
  [
    'NA: I am the neighbour',
    (me) => neighbourAdvertisement({ ...link, from: mac(me) }, address6[me], address6.bob),
    false,
    false,
  ],
  [
    'NA: I am the gateway',
    (me) => neighbourAdvertisement({ ...link, from: mac(me) }, address6[me], 'fd71:1::1'),
    false,
    false,
  ],
  [
    'NA: I am the gateway, behind an extension header',
    (me) => neighbourAdvertisement({ ...link, from: mac(me) }, address6[me], 'fd71:1::1', { hopByHop: true }),
    false,
    false,
  ],
  [
    'NA: I am one that nobody is',
    (me) => neighbourAdvertisement({ ...link, from: mac(me) }, address6[me], 'fd71:1::77'),
    false,
    true,
  ],
  ['RA: I am a router', (me) => routerAdvertisement({ ...link, from: mac(me) }, linkLocalFor(mac(me))), false, false],
  [
    'RA: I am a router, behind an extension header',
    (me) => routerAdvertisement({ ...link, from: mac(me) }, linkLocalFor(mac(me)), { hopByHop: true }),
    false,
    false,
  ],
  [
    'a frame of another protocol',
    (me) => ({ ...link, from: mac(me), type: 0x88b5, payload: Buffer.alloc(50) }),
    false,
    true,
  ],
];

describe('nobody speaks for another', () => {
  let machine: Machine;

  before(async () => {
    machine = await Machine.fresh();
    await machine.perform([...prepareHost(), ...createNetwork(network)]);
    for (const name of people) {
      await machine.perform(createSandbox(keyOf(name), [endpoints[name]], { routes: name === 'router' }));
    }
  });
  after(() => machine.close());

  /** What of these frames alice gets; the last one, which she must get, tells that all are through. */
  async function heard(sender: Person, frames: readonly string[]): Promise<ReadonlySet<string>> {
    const script = new URL('../helpers/frames.py', import.meta.url).pathname;
    const [command = '', ...words] = machine.argv(['python3', script, 'listen', 'eth0'], netnsName(keyOf('alice')));
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    const last = frames.at(-1);
    const { exitCode, stderr } = machine.exec(
      ['ip', 'netns', 'exec', netnsName(keyOf(sender)), 'python3', script, 'send', 'eth0'],
      `${frames.join('\n')}\n`,
    );
    assert.equal(exitCode, 0, stderr);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const found = new Set<string>();
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      found.add(line.value);
      if (line.value === last) break;
    }
    clearTimeout(timer);
    child.kill('SIGKILL');
    assert.ok(last !== undefined && found.has(last), 'what is allowed does not come through');
    return found;
  }

  for (const [index, sender] of (['mallory', 'router'] as const).entries()) {
    test(sender === 'router' ? 'a router uses what nobody has' : 'a container is itself alone', async () => {
      const frames = rows.map(([, make], number) => encode(make(sender), number));
      const end = encode(ipv4({ ...link, from: mac(sender) }, address[sender], address.alice), 9999);
      const found = await heard(sender, [...frames, end]);
      const got = rows.map(([what], number) => [what, found.has(frames[number] ?? '')]);
      assert.deepEqual(
        got,
        rows.map((row) => [row[0], row[2 + index]]),
      );
    });
  }
});
