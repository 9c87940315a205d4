import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Forwarder } from '../../src/serve/dns/forwarder.ts';
import { Listener } from '../../src/serve/dns/listener.ts';
import { Resolver } from '../../src/serve/dns/resolver.ts';
import { ask, dataOf, placeOf, question, servedContainer, servedNetwork } from './ask.ts';
import { always, type StubResolver, stubResolver } from './stub-resolver.ts';

// Two machines with `front` in common: here (127.0.0.1) is web, there (127.0.0.2) are api and, on a network of its own, db.
const WEB = '10.71.1.2';
const THERE = '127.0.0.2';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, THERE, done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

describe('names of other machines of an overlay', () => {
  let here: Resolver;
  let there: Resolver;
  let listener: Listener;
  let world: StubResolver;

  before(async () => {
    const port = await freePort();
    world = await stubResolver(always('192.0.2.80'));
    const options = {
      forwarder: new Forwarder({ port: world.port }),
      machineServers: () => ['127.0.0.1'],
      peerForwarder: new Forwarder({ port, patienceMs: 100, deadlineMs: 200 }),
    };
    here = new Resolver(options);
    // The third machine is away.
    const front = { ...servedNetwork('front', 1), peers: [THERE, '127.0.0.3'] };
    const web = servedContainer('web', { places: [placeOf('front', [WEB], 'web')] });
    here.update([front], new Map([['web', web]]));
    there = new Resolver(options);
    const api = servedContainer('api', {
      places: [placeOf('front', ['10.71.1.66'], 'api', 'web')],
      ports: [{ names: ['80'], protocol: 'tcp', port: 80 }],
    });
    const db = servedContainer('db', { places: [placeOf('back', ['10.71.2.2'], 'db')] });
    const networks = [{ ...servedNetwork('front', 1), peers: ['127.0.0.1'] }, servedNetwork('back', 2)];
    there.update(networks, new Map(Object.entries({ api, db })));
    const answer = (packet: Buffer, from: string, stream: boolean) =>
      there.answer(packet, { network: 'demo_front', from, stream });
    listener = new Listener(THERE, answer, port);
    assert.deepEqual(await listener.open(), []);
  });

  after(() => {
    listener.close();
    world.close();
  });

  test('a name that nobody here has is found there, also with its network behind it, and as a service', async () => {
    assert.deepEqual(dataOf(await ask(here, WEB, 'api')), ['10.71.1.66']);
    assert.deepEqual(dataOf(await ask(here, WEB, 'API.demo_front')), ['10.71.1.66']);
    assert.deepEqual(dataOf(await ask(here, WEB, '_80._tcp.api', 'SRV')), ['80 demo-api-1.demo_front']);
  });

  test('a name that is here is answered from here', async () => {
    assert.deepEqual(dataOf(await ask(here, WEB, 'web')), [WEB]);
  });

  test('what is there on another network is not seen: the world is asked', async () => {
    assert.deepEqual(dataOf(await ask(here, WEB, 'db')), ['192.0.2.80']);
  });

  test('names of the world are not asked of the other machines', async () => {
    const asked = world.asked.length;
    assert.deepEqual(dataOf(await ask(here, WEB, 'www.example.org')), ['192.0.2.80']);
    assert.equal(world.asked.length, asked + 1);
  });

  test('a machine that asks hears what is known there, and nobody else is asked for it', async () => {
    const asked = world.asked.length;
    const answer = await ask(there, '127.0.0.1', 'elsewhere');
    assert.equal(answer.rcode, 'REFUSED', 'not a peer of the network that it asks on');
    const known = await there.answer(question('nowhere', 'A'), {
      network: 'demo_front',
      from: '127.0.0.1',
      stream: false,
    });
    assert.equal((known?.[3] ?? 0) & 0x0f, 3, 'NXDOMAIN');
    assert.equal(world.asked.length, asked);
  });
});
