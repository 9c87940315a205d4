// A process in a network namespace that listens and calls at its tester's wish: one JSON request a line on standard
// input, one answer a line on standard output. Servers answer with the address that they see their caller at.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const plain = (address) => address.replace(/^::ffff:/, '');

const heard = [];

const requests = {
  heard: async () => heard,

  listen: ({ host, port }) =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => socket.on('error', () => {}).end(plain(socket.remoteAddress)));
      server.on('error', reject).listen(port, host, () => resolve(server.address().port));
    }),
  listenUdp: ({ host, port }) =>
    new Promise((resolve, reject) => {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', (_, from) => {
        heard.push(plain(from.address));
        socket.send(plain(from.address), from.port, from.address);
      });
      socket.on('error', reject).bind(port, host, () => resolve(socket.address().port));
    }),
  // What the server said, or the error's code.
  call: ({ host, port, patienceMs }) =>
    new Promise((resolve) => {
      let text = '';
      const socket = connect({ host, port });
      const done = (result) => {
        socket.destroy();
        resolve(result);
      };
      socket.setTimeout(patienceMs, () => done('ETIMEDOUT'));
      socket
        .on('data', (chunk) => (text += chunk))
        .on('end', () => done(text))
        .on('error', (error) => done(error.code));
    }),
  // Sends a datagram from an address of choice and waits for nothing.
  send: ({ from, host, port }) =>
    new Promise((resolve, reject) => {
      const socket = createSocket('udp4');
      socket.on('error', reject).bind(0, from, () => {
        socket.send('hello', port, host, (error) => {
          socket.close();
          resolve(error === null ? 'sent' : error.code);
        });
      });
    }),
  callUdp: ({ host, port, patienceMs }) =>
    new Promise((resolve) => {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      const done = (result) => {
        clearTimeout(timer);
        socket.close();
        resolve(result);
      };
      const timer = setTimeout(() => done('ETIMEDOUT'), patienceMs);
      socket.connect(port, host, (error) => (error ? done(error.code) : socket.send('hello')));
      socket.on('message', (data) => done(String(data))).on('error', (error) => done(error.code));
    }),
  // Many calls at once: silence is waited for once.
  callAll: ({ calls }) => Promise.all(calls.map(({ udp, ...call }) => requests[udp ? 'callUdp' : 'call'](call))),
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const result = await requests[request.do](request).catch((error) => error.code);
  process.stdout.write(`${JSON.stringify({ result })}\n`);
}
process.exit(0);
