import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decode } from 'dns-packet';
import { answerTo, ask, dataOf, placeOf, question, resolverOf, servedContainer } from './ask.ts';

const WEB = '10.71.1.2';
const DB = '10.71.2.4';
const web = servedContainer('web', {
  places: [placeOf('front', [WEB, 'fd00:1::2'], 'web', 'www'), placeOf('back', ['10.71.2.2'], 'web')],
  extraHosts: [
    { host: 'Far', addresses: ['192.0.2.7'] },
    { host: 'gateway', addresses: ['10.71.1.1', 'fd00:1::1'] },
  ],
  ports: [{ names: ['80', 'http'], protocol: 'tcp', port: 80 }],
});
const db = servedContainer('db', {
  places: [placeOf('back', [DB], 'db', 'DB-Alias')],
  domainname: 'example.org',
  forwards: false,
});
const pool = [3, 4, 5].map((last) =>
  servedContainer(`pool${last}`, {
    places: [placeOf('front', [`10.71.1.${last}`], 'pool', `demo-pool${last}-1`)],
    ports: [{ names: ['9000'], protocol: 'tcp', port: 9000 }],
  }),
);
const ended = servedContainer('ended', { running: false, places: [placeOf('front', ['10.71.1.9'], 'ended')] });
const resolver = resolverOf([web, db, ...pool, ended]);

describe('a container sees', () => {
  const seen: readonly (readonly [claim: string, from: string, name: string, addresses: readonly string[]])[] = [
    ['a service of its network', WEB, 'db', [DB]],
    ['an alias, whatever its letters', WEB, 'db-ALIAS', [DB]],
    ['a name with its network behind it', WEB, 'db.demo_back', [DB]],
    ['a name with the domain of its container', WEB, 'db.example.org', [DB]],
    ['its own name by its first network', WEB, 'web', [WEB]],
    ['its own host name on all its networks', WEB, 'web-host', [WEB, '10.71.2.2']],
    ['its extra hosts', WEB, 'far', ['192.0.2.7']],
    ['the gateway', WEB, 'gateway', ['10.71.1.1']],
    ['the other side by the address on the common network', DB, 'web', ['10.71.2.2']],
    ['localhost', DB, 'any.localhost', ['127.0.0.1']],
  ];
  for (const [claim, from, name, addresses] of seen) {
    test(claim, async () => {
      const answer = await ask(resolver, from, name);
      assert.equal(answer.rcode, 'NOERROR');
      assert.deepEqual(dataOf(answer).toSorted(), [...addresses].toSorted());
    });
  }

  const unseen: readonly (readonly [claim: string, from: string, name: string])[] = [
    ['a name of a network that it is not on', DB, 'pool'],
    ['such a name with the network behind it', DB, 'pool.demo_front'],
    ['an alias of a network that it is not on', DB, 'www'],
    ['extra hosts of another', DB, 'far'],
    ['the host name of another', DB, 'web-host'],
    ['a container that has ended', WEB, 'ended'],
  ];
  for (const [claim, from, name] of unseen) {
    test(`nothing of ${claim}`, async () => {
      const answer = await ask(resolver, from, name);
      assert.deepEqual([answer.rcode, dataOf(answer)], ['NXDOMAIN', []]);
    });
  }
});

test('whoever is no container of the network that was asked is refused', async () => {
  for (const from of ['10.71.1.99', '192.0.2.1', DB]) {
    const packet = question('web', 'A');
    const answer = decode(await answerTo(resolver, packet, { network: 'demo_front', from, stream: false }));
    assert.equal((answer as { rcode?: string }).rcode, 'REFUSED', from);
  }
});

test('replicas come in an order that changes from answer to answer, A and AAAA each by itself', async () => {
  const first: (string | undefined)[] = [];
  for (let round = 0; round < 3; round += 1) {
    const answer = await ask(resolver, WEB, 'pool');
    assert.equal(dataOf(answer).length, 3);
    first.push(dataOf(answer)[0]);
    await ask(resolver, WEB, 'pool', 'AAAA');
  }
  assert.deepEqual(first.toSorted(), ['10.71.1.3', '10.71.1.4', '10.71.1.5']);
});

test('AAAA of a name gives its IPv6 addresses; a name without any is there all the same', async () => {
  assert.deepEqual(dataOf(await ask(resolver, WEB, 'web', 'AAAA')), ['fd00:1::2']);
  const none = await ask(resolver, WEB, 'db', 'AAAA');
  assert.deepEqual([none.rcode, dataOf(none)], ['NOERROR', []]);
  const mail = await ask(resolver, WEB, 'db', 'MX');
  assert.deepEqual([mail.rcode, dataOf(mail)], ['NOERROR', []]);
});

test('PTR names those that the container may see; other addresses of our networks are nobody', async () => {
  assert.deepEqual(dataOf(await ask(resolver, WEB, '4.2.71.10.in-addr.arpa', 'PTR')), ['demo-db-1.demo_back']);
  assert.deepEqual(dataOf(await ask(resolver, WEB, `2.${'0.'.repeat(23)}1.0.0.0.0.0.d.f.ip6.arpa`, 'PTR')), [
    'demo-web-1.demo_front',
  ]);
  for (const hidden of ['3.1.71.10.in-addr.arpa', '77.2.71.10.in-addr.arpa']) {
    assert.equal((await ask(resolver, DB, hidden, 'PTR')).rcode, 'NXDOMAIN', hidden);
  }
});

test('SRV gives the port of every replica, with addresses', async () => {
  const answer = await ask(resolver, WEB, '_9000._tcp.pool', 'SRV');
  assert.deepEqual(dataOf(answer).toSorted(), [
    '9000 demo-pool3-1.demo_front',
    '9000 demo-pool4-1.demo_front',
    '9000 demo-pool5-1.demo_front',
  ]);
  assert.equal(answer.additionals?.length, 3);
  assert.deepEqual(dataOf(await ask(resolver, DB, '_http._tcp.web.demo_back', 'SRV')), ['80 demo-web-1.demo_back']);
  assert.equal((await ask(resolver, WEB, '_9000._udp.pool', 'SRV')).rcode, 'NXDOMAIN');
  assert.equal((await ask(resolver, DB, '_9000._tcp.pool', 'SRV')).rcode, 'NXDOMAIN');
});

test('ANY is answered with one record that says nothing (RFC 8482)', async () => {
  const { answers = [] } = await ask(resolver, WEB, 'web', 'ANY' as never);
  assert.deepEqual(
    answers.map(({ type }) => type),
    ['HINFO'],
  );
});

test('the letters of the question come back as they were', async () => {
  const packet = await answerTo(resolver, question('PoOl', 'A'), { network: 'demo_front', from: WEB, stream: false });
  assert.equal(decode(packet).questions?.[0]?.name, 'PoOl');
  assert.equal(dataOf(decode(packet) as never).length, 3);
});

test('an answer that is too long for a datagram says so; by EDNS or TCP it comes whole', async () => {
  const many = Array.from({ length: 60 }, (_, index) =>
    servedContainer(`many${index}`, { places: [placeOf('front', [`10.71.1.${100 + index}`], 'many')] }),
  );
  const big = resolverOf([web, ...many]);
  const at = { network: 'demo_front', from: WEB, stream: false };
  const plain = await answerTo(big, question('many', 'A'), at);
  assert.ok(plain.length <= 512);
  assert.ok(decode(plain).flag_tc);
  const opt = { name: '.', type: 'OPT', udpPayloadSize: 1232, ednsVersion: 0, flags: 0, options: [] } as never;
  const edns = decode(await answerTo(big, question('many', 'A', { additionals: [opt] }), at));
  assert.deepEqual([edns.flag_tc, edns.answers?.length, edns.additionals?.[0]?.type], [false, 60, 'OPT']);
  const stream = decode(await answerTo(big, question('many', 'A'), { ...at, stream: true }));
  assert.equal(stream.answers?.length, 60);
});

test('a name that cannot come in a question is not in the way', async () => {
  const odd = servedContainer('odd', {
    places: [placeOf('front', ['10.71.1.7', 'no address'], 'x'.repeat(64), 'a..b', '', 'ü', 'odd')],
    hostname: 'o'.repeat(300),
    extraHosts: [{ host: 'bad', addresses: ['host-gateway', '1.2.3.4.5'] }],
  });
  const answer = await ask(resolverOf([odd]), '10.71.1.7', 'odd');
  assert.deepEqual(dataOf(answer), ['10.71.1.7']);
  assert.equal((await ask(resolverOf([odd]), '10.71.1.7', 'bad')).rcode, 'NXDOMAIN');
});
