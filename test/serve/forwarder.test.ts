import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Answer, decode, encode, TRUNCATED_RESPONSE } from 'dns-packet';
import { Forwarder, type ForwarderOptions } from '../../src/serve/dns/forwarder.ts';
import { parseQuery, type Query } from '../../src/serve/dns/query.ts';
import { MachineResolvers, parseServers } from '../../src/serve/dns/upstreams.ts';
import { answerTo, ask, dataOf, placeOf, question, resolverOf, servedContainer } from './ask.ts';
import { always, type Reply, type StubResolver, stubResolver } from './stub-resolver.ts';

const LOOPBACK = '127.0.0.1';
/** Nobody listens there. */
const ABSENT = '127.0.0.99';

async function withStub(
  reply: Reply,
  options: ForwarderOptions,
  body: (forwarder: Forwarder, stub: StubResolver) => Promise<void>,
): Promise<void> {
  const stub = await stubResolver(reply);
  try {
    await body(new Forwarder({ port: stub.port, patienceMs: 100, deadlineMs: 2000, ...options }), stub);
  } finally {
    stub.close();
  }
}

function queryOf(packet: Buffer): Query {
  const parsed = parseQuery(packet);
  assert.equal(parsed.kind, 'query');
  return (parsed as Extract<typeof parsed, { kind: 'query' }>).query;
}

async function forward(forwarder: Forwarder, name: string, servers: readonly string[] = [LOOPBACK], client = 'c') {
  const packet = question(name, 'A');
  const answer = await forwarder.ask(packet, queryOf(packet), servers, client);
  return answer === undefined ? undefined : (decode(answer) as ReturnType<typeof decode> & { rcode: string });
}

describe('Forwarder', () => {
  test('passes on the answer to this question, letters and id as they were', () =>
    withStub(always('192.0.2.1'), {}, async (forwarder) => {
      const answer = await forward(forwarder, 'Other.Example');
      assert.ok(answer);
      assert.deepEqual([answer.id, answer.questions?.[0]?.name, answer.flag_ra], [4711, 'Other.Example', true]);
      assert.deepEqual(dataOf(answer), ['192.0.2.1']);
    }));

  test('keeps answers for as long as they say, and tells how long that is still', () => {
    let now = 1_000_000;
    return withStub(always('192.0.2.1', 60), { now: () => now }, async (forwarder, stub) => {
      await forward(forwarder, 'kept.example');
      now += 20_000;
      const [record] = (await forward(forwarder, 'KEPT.example'))?.answers ?? [];
      assert.equal(record !== undefined && 'ttl' in record && record.ttl, 40);
      now += 41_000;
      await forward(forwarder, 'kept.example');
      assert.equal(stub.asked.length, 2);
    });
  });

  test('keeps that there is no such name for as long as its zone says', () => {
    let now = 1_000_000;
    const data = { mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 30 };
    const soa = { name: 'example', type: 'SOA' as const, ttl: 600, data };
    const reply: Reply = ({ questions }) => ({
      rcode: 3,
      ...(questions?.[0]?.name === 'zone.example' && { authorities: [soa] }),
    });
    return withStub(reply, { now: () => now }, async (forwarder, stub) => {
      for (const name of ['zone.example', 'zone.example', 'other.example', 'other.example']) {
        assert.equal((await forward(forwarder, name))?.rcode, 'NXDOMAIN');
      }
      assert.equal(stub.asked.length, 3, 'kept where the zone says for how long');
      now += 31_000;
      await forward(forwarder, 'zone.example');
      assert.equal(stub.asked.length, 4);
    });
  });

  test('asks once what several ask at the same time', () =>
    withStub(always('192.0.2.1'), {}, async (forwarder, stub) => {
      const answers = await Promise.all(
        ['a', 'b', 'c'].map((client) => forward(forwarder, 'same.example', undefined, client)),
      );
      assert.deepEqual(
        answers.map((answer) => answer && dataOf(answer)),
        Array(3).fill(['192.0.2.1']),
      );
      assert.equal(stub.asked.length, 1);
    }));

  test('asks again by TCP what is cut short', () => {
    const answers = Array.from(
      { length: 100 },
      (_, index): Answer => ({ name: 'big.example', type: 'A', ttl: 9, data: `192.0.2.${index}` }),
    );
    const reply: Reply = (_query, by) => (by === 'tcp' ? { answers } : { flags: TRUNCATED_RESPONSE });
    return withStub(reply, {}, async (forwarder, stub) => {
      assert.equal((await forward(forwarder, 'big.example'))?.answers?.length, 100);
      assert.deepEqual(stub.asked, ['udp big.example A', 'tcp big.example A']);
    });
  });

  test('asks the next server where one is not there, fails, or is silent', async () => {
    const failing = await stubResolver(() => ({ rcode: 2 }), '127.0.0.2');
    const silent = await stubResolver(() => undefined, '127.0.0.3', failing.port);
    const good = await stubResolver(always('192.0.2.1'), '127.0.0.4', failing.port);
    try {
      const forwarder = new Forwarder({ port: failing.port, patienceMs: 100, deadlineMs: 2000 });
      const answer = await forward(forwarder, 'next.example', [ABSENT, '127.0.0.2', '127.0.0.3', '127.0.0.4']);
      assert.deepEqual(answer && dataOf(answer), ['192.0.2.1']);
      const failure = await forward(forwarder, 'failure.example', [ABSENT, '127.0.0.2']);
      assert.equal(failure?.rcode, 'SERVFAIL');
    } finally {
      for (const stub of [failing, silent, good]) stub.close();
    }
  });

  test('gives up after its deadline, and where nobody listens at once', async () => {
    await withStub(
      () => undefined,
      { deadlineMs: 300 },
      async (forwarder) => {
        const began = performance.now();
        assert.equal(await forward(forwarder, 'silent.example'), undefined);
        assert.ok(performance.now() - began < 1500);
        assert.equal(await forward(forwarder, 'absent.example', [ABSENT]), undefined);
      },
    );
  });

  test('takes no answer to another question, with another id, or that is damaged', () => {
    const wrong: Reply = (query, by) => {
      const id = query.id ?? 0;
      const [asked = { name: '', type: 'A' as const }] = query.questions ?? [];
      const answers: Answer[] = [{ name: asked.name, type: 'A', ttl: 60, data: '192.0.2.66' }];
      const forged: Readonly<Record<string, Buffer>> = {
        'id.example': encode({ type: 'response', id: id ^ 1, questions: [asked], answers }),
        'name.example': encode({ type: 'response', id, questions: [{ ...asked, name: 'mane.example' }], answers }),
        'type.example': encode({ type: 'response', id, questions: [{ ...asked, type: 'AAAA' }], answers }),
        'query.example': encode({ type: 'query', id, questions: [asked], answers }),
        'cut.example': encode({ type: 'response', id, questions: [asked], answers }).subarray(0, -3),
      };
      return by === 'udp' ? { raw: forged[asked.name] ?? Buffer.alloc(0) } : undefined;
    };
    return withStub(wrong, { deadlineMs: 300 }, async (forwarder, stub) => {
      for (const name of ['id', 'name', 'type', 'query', 'cut']) {
        assert.equal(await forward(forwarder, `${name}.example`), undefined, name);
      }
      assert.ok(stub.asked.length >= 5);
    });
  });

  test('has only so many questions of one client under way', () =>
    withStub(
      () => undefined,
      { deadlineMs: 300 },
      async (forwarder, stub) => {
        const all = Array.from({ length: 150 }, (_, index) => forward(forwarder, `n${index}.example`));
        await Promise.all(all);
        assert.equal(new Set(stub.asked).size, 100);
      },
    ));
});

describe('names of others', () => {
  const front = (last: number) => [placeOf('front', [`10.71.1.${last}`], `c${last}`)];

  test('are asked of the machine’s servers, or of the container’s own', async () => {
    const own = await stubResolver(always('192.0.2.2'), '127.0.0.5');
    try {
      const forwarder = new Forwarder({ port: own.port });
      const chosen = servedContainer('chosen', { places: front(2), dns: ['127.0.0.5'] });
      assert.deepEqual(dataOf(await ask(resolverOf([chosen], forwarder), '10.71.1.2', 'x.example')), ['192.0.2.2']);
      const plain = servedContainer('plain', { places: front(3) });
      assert.equal((await ask(resolverOf([plain], forwarder), '10.71.1.3', 'x.example')).rcode, 'SERVFAIL');
    } finally {
      own.close();
    }
  });

  test('are not there for a container without a way out, and nobody is asked for them', async () => {
    const server = await stubResolver(always('192.0.2.2'), '127.0.0.6');
    try {
      const inside = servedContainer('inside', { places: front(2), dns: ['127.0.0.6'], forwards: false });
      const resolver = resolverOf([inside], new Forwarder({ port: server.port }));
      assert.equal((await ask(resolver, '10.71.1.2', 'x.example')).rcode, 'NXDOMAIN');
      assert.deepEqual(server.asked, []);
    } finally {
      server.close();
    }
  });

  test('that are too long for a datagram come by TCP', async () => {
    const answers = Array.from(
      { length: 60 },
      (_, index): Answer => ({ name: 'big.example', type: 'A', ttl: 9, data: `192.0.2.${index}` }),
    );
    const server = await stubResolver(() => ({ answers }), '127.0.0.7');
    try {
      const container = servedContainer('c', { places: front(2), dns: ['127.0.0.7'] });
      const resolver = resolverOf([container], new Forwarder({ port: server.port }));
      const at = { network: 'demo_front', from: '10.71.1.2', stream: false };
      const short = decode(await answerTo(resolver, question('big.example', 'A'), at));
      assert.deepEqual([short.flag_tc, short.answers?.length], [true, 0]);
      const whole = decode(await answerTo(resolver, question('big.example', 'A'), { ...at, stream: true }));
      assert.equal(whole.answers?.length, 60);
      assert.equal(server.asked.length, 1, 'kept meanwhile');
    } finally {
      server.close();
    }
  });
});

test('the machine’s servers are read again when the file is another one', () => {
  const directory = mkdtempSync(join(tmpdir(), 'resolvers-'));
  const path = join(directory, 'resolv.conf');
  try {
    const machine = new MachineResolvers(path);
    assert.deepEqual(machine.servers, []);
    writeFileSync(path, 'nameserver 127.0.0.53\n');
    assert.deepEqual(machine.servers, ['127.0.0.53']);
    writeFileSync(`${path}.new`, 'nameserver 192.0.2.1 # first\nnameserver fe80:0::1%eth0\nnameserver no\n');
    renameSync(`${path}.new`, path);
    assert.deepEqual(machine.servers, ['192.0.2.1', 'fe80::1%eth0']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('three servers count, as in the C library', () => {
  assert.deepEqual(
    parseServers('nameserver 1.1.1.1\n'.repeat(2) + [2, 3, 4].map((n) => `nameserver ${n}.0.0.1\n`).join('')),
    ['1.1.1.1', '2.0.0.1', '3.0.0.1'],
  );
});
