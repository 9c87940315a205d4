/**
 * Opens a thousand connections that say nothing, half a head, or half a body, and some that send 100 MiB, and keeps them until
 * it is killed. argv: socket, how many bodies. Says `open` when all of them are, and every answer to a body: its status.
 */
import { connect } from 'node:net';

const [socket = '', bodies = '1'] = process.argv.slice(2);
const HALVES = [
  '',
  'POST /v1/plan HTTP/1.1\r\nHost: x\r\n',
  'POST /v1/up HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
];
const PIECES = 100;
const piece = Buffer.alloc(1024 * 1024, 'x');

let waiting = 1_000;
for (let index = 0; index < 1_000; index += 1) {
  const client = connect(socket).on('error', () => undefined);
  client.once('connect', () => {
    waiting -= 1;
    if (waiting === 0) process.stdout.write('open\n');
  });
  client.write(HALVES[index % HALVES.length]);
  client.resume();
}
for (let count = 0; count < Number(bodies); count += 1) {
  const client = connect(socket).on('error', () => undefined);
  client.on('data', (text) => process.stdout.write(`${/^HTTP\/1\.1 (\d+) /.exec(text.toString())?.[1] ?? ''}\n`));
  client.write(`POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: ${PIECES * piece.length}\r\n\r\n`);
  let left = PIECES;
  const send = () => {
    for (; left > 0; left -= 1) {
      if (client.write(piece)) continue;
      left -= 1;
      client.once('drain', send);
      return;
    }
  };
  send();
}
