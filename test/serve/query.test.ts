import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import { readTimes } from '../../src/serve/dns/cache.ts';
import { parseQuery } from '../../src/serve/dns/query.ts';
import { placeOf, question, resolverOf, servedContainer } from './ask.ts';

const FROM = '10.71.1.2';
const resolver = resolverOf([servedContainer('web', { places: [placeOf('front', [FROM], 'web')] })]);
const asked = { network: 'demo_front', from: FROM, stream: false };
const OPT = { name: '.', type: 'OPT', udpPayloadSize: 1400, ednsVersion: 0, flags: 0x8000, options: [] } as never;

describe('any bytes', () => {
  test('are silence, or get an answer that is one to them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        const packet = Buffer.from(bytes);
        const answer = await resolver.answer(packet, asked);
        if (answer === undefined) return;
        assert.equal(answer.readUInt16BE(0), packet.readUInt16BE(0));
        assert.ok(((answer[2] ?? 0) & 0x80) !== 0 && answer.length <= 4096);
        decode(answer);
      }),
      { numRuns: 3000 },
    );
  });

  test('in the place of some of a question are no different', async () => {
    const whole = question('web.demo_front', 'A', { additionals: [OPT] });
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 4 }), fc.nat(whole.length), async (changes, length) => {
        const packet = Buffer.from(whole.subarray(0, length));
        for (const [at, byte] of changes) if (at < length) packet[at] = byte;
        const answer = await resolver.answer(packet, asked);
        if (answer !== undefined) assert.ok(answer.length >= 12 && ((answer[2] ?? 0) & 0x80) !== 0);
        if (packet.length >= 12) readTimes(packet);
      }),
      { numRuns: 3000 },
    );
  });

  test('that are a name come back as the same name, dots and backslashes in labels included', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 4 }), (labels) => {
        const parsed = parseQuery(packetOf(labels.map((label) => Buffer.from(label))));
        assert.equal(parsed.kind, 'query');
        const name = parsed.kind === 'query' ? parsed.query.name : '';
        const escaped = labels.map((label) =>
          Buffer.from(label)
            .toString('latin1')
            .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
            .replaceAll(/[.\\]/g, '\\$&'),
        );
        assert.equal(name, escaped.join('.'));
      }),
    );
  });
});

function packetOf(labels: readonly Buffer[], type = 1): Buffer {
  const header = Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const name = labels.flatMap((label) => [Buffer.from([label.length]), label]);
  return Buffer.concat([header, ...name, Buffer.from([0, 0, type, 0, 1])]);
}

describe('parseQuery()', () => {
  const rcodeOf = (packet: Buffer) => {
    const parsed = parseQuery(packet);
    return parsed.kind === 'error' ? parsed.rcode : parsed.kind;
  };
  const changed = (change: (packet: Buffer) => void, packet = question('web', 'A')) => {
    change(packet);
    return rcodeOf(packet);
  };

  test('an answer is never answered, and neither is half a header', () => {
    assert.equal(
      changed((packet) => (packet[2] = 0x80)),
      'silence',
    );
    assert.equal(rcodeOf(Buffer.alloc(11)), 'silence');
  });

  test('says what is wrong with the rest', () => {
    assert.equal(
      changed((packet) => packet.writeUInt16BE(2, 4)),
      1,
      'two questions',
    );
    assert.equal(
      changed((packet) => packet.writeUInt16BE(0, 4)),
      1,
      'no question',
    );
    assert.equal(
      changed((packet) => (packet[2] = 0x28)),
      4,
      'an update',
    );
    assert.equal(
      changed((packet) => (packet[12] = 0xc0)),
      1,
      'a pointer in the question',
    );
    assert.equal(
      changed((packet) => (packet[12] = 200)),
      1,
      'a label without its end',
    );
    assert.equal(rcodeOf(packetOf(Array.from({ length: 5 }, () => Buffer.alloc(63, 'a')))), 1, 'a name of 320 bytes');
    assert.equal(rcodeOf(packetOf([Buffer.from('web')], 252)), 4, 'a zone transfer');
    assert.equal(
      changed((packet) => packet.writeUInt16BE(3, packet.length - 2)),
      4,
      'another class',
    );
    const version = question('web', 'A', { additionals: [OPT] });
    assert.equal(
      changed((packet) => (packet[packet.length - 5] = 1), version),
      16,
      'a later EDNS',
    );
  });

  test('reads EDNS wherever it is', () => {
    const other = { name: 'x', type: 'A', data: '192.0.2.1' } as const;
    for (const additionals of [[OPT], [other, OPT]]) {
      const parsed = parseQuery(question('web', 'A', { additionals }));
      assert.deepEqual(parsed.kind === 'query' && parsed.query.edns && { ...parsed.query.edns, version: 0 }, {
        payloadBytes: 1400,
        dnssec: true,
        version: 0,
      });
    }
  });
});
