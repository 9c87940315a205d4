import assert from 'node:assert/strict';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import type { ServedRelay } from '../../src/model/served.ts';
import { Relays } from '../../src/serve/relay/relays.ts';
import { UdpRelay } from '../../src/serve/relay/udp-relay.ts';

const skip = (networkInterfaces()['lo'] ?? []).some(({ address }) => address === '::1') ? false : 'no IPv6';

async function freePort(type: 'tcp' | 'udp'): Promise<number> {
  if (type === 'udp') {
    const socket = createSocket('udp6').bind(0, '::1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    return port;
  }
  const server = createServer().listen(0, '::1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A server on 127.0.0.1 that is gone with the test. */
async function withServer(accept: (socket: Socket) => void, body: (port: number) => Promise<void>): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, accept).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await body((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

function relayTo(port: number, target: number, protocol: 'tcp' | 'udp' = 'tcp'): ServedRelay {
  return { protocol, address: '::1', port, target: { address: '127.0.0.1', port: target } };
}

async function whole(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a relay of TCP', { skip }, () => {
  test('carries megabytes, and each direction ends by itself', () =>
    withServer(
      (socket) => {
        let bytes = 0;
        socket.on('data', (chunk) => (bytes += chunk.length));
        // Only when the client has said all does it answer.
        socket.on('end', () => socket.end(`${bytes} bytes`));
      },
      async (target) => {
        const relays = new Relays();
        const port = await freePort('tcp');
        try {
          assert.deepEqual(await relays.apply([relayTo(port, target)]), []);
          const client = connect({ host: '::1', port, allowHalfOpen: true });
          client.end(Buffer.alloc(8 * 2 ** 20));
          assert.equal(await whole(client), `${8 * 2 ** 20} bytes`);
        } finally {
          relays.close();
        }
      },
    ));

  test('reads no faster than the other side takes it', () => {
    const accepted = Promise.withResolvers<Socket>();
    return withServer(accepted.resolve, async (target) => {
      const relays = new Relays();
      const port = await freePort('tcp');
      try {
        await relays.apply([relayTo(port, target)]);
        const client = connect({ host: '::1', port });
        const slow = await Promise.race([accepted.promise, once(client, 'error').then(() => assert.fail())]);
        slow.pause();
        const block = Buffer.alloc(2 ** 20);
        let taken = 0;
        const drained = (): Promise<boolean> =>
          Promise.race([
            once(client, 'drain').then(() => true),
            new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200)),
          ]);
        while (taken < 64 && (client.write(block) || (await drained()))) taken += 1;
        client.destroy();
        // What the kernel keeps for four sockets.
        assert.ok(taken < 32, `it keeps ${taken} MiB that nobody has read`);
      } finally {
        relays.close();
      }
    });
  });

  test('resets who asks for what nobody listens to', async () => {
    const relays = new Relays();
    const port = await freePort('tcp');
    try {
      await relays.apply([relayTo(port, await freePort('tcp'))]);
      const client = connect({ host: '::1', port });
      const [error] = await once(client, 'error');
      assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
    } finally {
      relays.close();
    }
  });

  test('leads new connections elsewhere when it moves, leaves those that there are, and goes with its port', () =>
    withServer(
      (socket) => socket.on('data', (data) => socket.write(`first ${data}`)),
      (first) =>
        withServer(
          (socket) => socket.on('data', (data) => socket.write(`second ${data}`)),
          async (second) => {
            const relays = new Relays();
            const port = await freePort('tcp');
            try {
              await relays.apply([relayTo(port, first)]);
              const old = connect({ host: '::1', port });
              old.write('a');
              assert.equal(String((await once(old, 'data'))[0]), 'first a');
              await relays.apply([relayTo(port, second)]);
              const fresh = connect({ host: '::1', port });
              fresh.write('b');
              assert.equal(String((await once(fresh, 'data'))[0]), 'second b');
              old.write('c');
              assert.equal(String((await once(old, 'data'))[0]), 'first c');
              const ended = [once(old, 'close'), once(fresh, 'close')];
              await relays.apply([]);
              await Promise.all(ended);
              await assert.rejects(once(connect({ host: '::1', port }), 'connect'), /ECONNREFUSED/);
            } finally {
              relays.close();
            }
          },
        ),
    ));

  test('says that a port is taken, and takes it when it is free', async () => {
    const other = createServer().listen(0, '::1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const relays = new Relays();
    try {
      const wanted = [relayTo(port, 9)];
      const failed = { use: 'relay', protocol: 'tcp', address: '::1', port, code: 'EADDRINUSE' };
      assert.deepEqual(await relays.apply(wanted), [failed]);
      other.close();
      await once(other, 'close');
      assert.deepEqual(await relays.apply(wanted), []);
    } finally {
      relays.close();
    }
  });
});

describe('a relay of UDP', { skip }, () => {
  async function echo(): Promise<Datagrams> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    socket.on('message', (data, from) => socket.send(`${data} of ${from.port}`, from.port, from.address));
    await once(socket, 'listening');
    return socket;
  }

  test('carries answers back to each sender, and forgets those that are silent', async () => {
    const server = await echo();
    const port = await freePort('udp');
    const relay = new UdpRelay(relayTo(port, server.address().port, 'udp'), 100);
    const clients = [createSocket('udp6'), createSocket('udp6')];
    try {
      assert.equal(await relay.open(), undefined);
      const answers = clients.map(async (client, index) => {
        const heard = once(client, 'message');
        client.send(`hello ${index}`, port, '::1');
        return String((await heard)[0]);
      });
      const [first = '', second = ''] = await Promise.all(answers);
      assert.match(first, /^hello 0 of \d+$/);
      assert.match(second, /^hello 1 of \d+$/);
      assert.notEqual(first.split(' ').at(-1), second.split(' ').at(-1), 'a port each');
      assert.equal(relay.size, 2);
      while (relay.size > 0) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      relay.close();
      relay.close();
      server.close();
      for (const client of clients) client.close();
    }
  });
});
