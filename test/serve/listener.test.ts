import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type Answer, Listener } from '../../src/serve/dns/listener.ts';
import { stubResolver } from './stub-resolver.ts';

/** Free for UDP and TCP a moment ago. */
async function freePort(): Promise<number> {
  const stub = await stubResolver(() => undefined);
  stub.close();
  return stub.port;
}

async function withListener(answer: Answer, body: (port: number, listener: Listener) => Promise<void>): Promise<void> {
  const port = await freePort();
  const listener = new Listener('127.0.0.1', answer, port);
  try {
    assert.deepEqual(await listener.open(), []);
    await body(port, listener);
  } finally {
    listener.close();
    listener.close();
  }
}

function framed(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), Buffer.from(text)]);
}

async function received(socket: Socket, bytes: number): Promise<string> {
  let all = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    all = Buffer.concat([all, chunk]);
    if (all.length >= bytes) break;
  }
  return all.toString();
}

const echo: Answer = (packet, from, stream) => Buffer.from(`${packet} ${from} ${stream ? 'stream' : 'datagram'}`);

describe('Listener', () => {
  test('answers datagrams, and knows who sent them', () =>
    withListener(echo, async (port) => {
      const socket = createSocket('udp4');
      socket.send('hello', port, '127.0.0.1');
      const [answer] = await once(socket, 'message');
      assert.equal(String(answer), 'hello 127.0.0.1 datagram');
      socket.close();
    }));

  test('answers questions of one connection as the answers come, in pieces and together', () => {
    const late = Promise.withResolvers<Buffer>();
    const answer: Answer = (packet) => (String(packet) === 'late' ? late.promise : Buffer.from(`<${packet}>`));
    return withListener(answer, async (port) => {
      const socket = connect(port, '127.0.0.1');
      const all = Buffer.concat([framed('late'), framed('one'), framed('two')]);
      socket.write(all.subarray(0, 3));
      await once(socket, 'connect');
      socket.write(all.subarray(3));
      assert.equal(await received(socket, 14), '\0\x05<one>\0\x05<two>');
      socket.end();
      late.resolve(Buffer.from('<late>'));
      assert.equal(await received(socket, 8), '\0\x06<late>', 'also when nothing more is asked');
      await once(socket, 'close');
    });
  });

  test('ends a connection that says what is no question, and bounds their number', () =>
    withListener(
      () => undefined,
      async (port) => {
        const odd = connect(port, '127.0.0.1').resume();
        odd.write(framed('?'));
        await once(odd, 'close');
        const many = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').resume());
        const closed = many.map((socket) => once(socket, 'close'));
        await Promise.race(closed);
        await Promise.all(closed.slice(16));
        assert.ok(many.slice(0, 16).every((socket) => !socket.destroyed));
        for (const socket of many) socket.destroy();
      },
    ));

  test('says what it could not open, and opens it when it can', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const listener = new Listener('127.0.0.1', echo, port);
    try {
      const failed = await listener.open();
      assert.deepEqual(failed, [{ use: 'names', protocol: 'tcp', address: '127.0.0.1', port, code: 'EADDRINUSE' }]);
      other.close();
      await once(other, 'close');
      assert.deepEqual(await listener.open(), []);
    } finally {
      listener.close();
    }
  });

  test('shares the port with a program that has it on every address and lets others in', async () => {
    const port = await freePort();
    const other = createSocket({ type: 'udp4', reuseAddr: true });
    other.bind(port, '0.0.0.0');
    await once(other, 'listening');
    const listener = new Listener('127.0.0.1', echo, port);
    try {
      assert.deepEqual(await listener.open(), []);
    } finally {
      listener.close();
      other.close();
    }
  });
});
