// Measures a network by what arrives. `serve PORT`: answers datagrams with themselves, counts what is pushed to it
// (PORT), sends to who pulls from it (PORT + 1), echoes (PORT + 2), and prints "ready". `hold HOST PORT` prints a line
// for each answer over one connection. `ping HOST PORT COUNT GAP_MS WAIT_MS`,
// `push HOST PORT`, `pull HOST PORT MS`: print what they found as JSON. `ask`: does
// each line of standard input, words with blanks between, until its end.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [verb, ...words] = process.argv.slice(2);
const CHUNK = Buffer.alloc(64 * 1024);

function serve(port) {
  const echo = createSocket('udp4');
  echo.on('message', (message, from) => echo.send(message, from.port, from.address));
  const sink = createServer((socket) => {
    let bytes = 0;
    let begun;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      begun ??= performance.now();
      bytes += chunk.length;
      const passed = performance.now() - begun;
      // Once: a second end() is an error that destroys the socket, and its reset may overtake the answer.
      if (passed >= 1000 && !socket.writableEnded) socket.end(String(Math.round((bytes * 8000) / passed)));
    });
  });
  const source = createServer((socket) => {
    const more = () => {
      while (socket.write(CHUNK));
    };
    socket.on('error', () => undefined).on('drain', more);
    more();
  });
  const back = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  echo.bind(port, () =>
    sink.listen(port, () => source.listen(port + 1, () => back.listen(port + 2, () => console.log('ready')))),
  );
}

/** How many of so many datagrams are answered, how often, in which order and time. */
async function ping(host, port, ...[count, gapMs, waitMs]) {
  const socket = createSocket('udp4');
  const sent = [];
  const times = new Map();
  let replies = 0;
  let late = 0;
  let wrong = 0;
  let highest = -1;
  socket.on('message', (message) => {
    const number = message.readUInt32BE(0);
    if (message.subarray(4).some((byte) => byte !== 7) || number >= count) {
      wrong += 1;
      return;
    }
    replies += 1;
    if (number < highest) late += 1;
    highest = Math.max(highest, number);
    if (!times.has(number)) times.set(number, performance.now() - sent[number]);
  });
  for (let number = 0; number < count; number += 1) {
    const message = Buffer.alloc(200, 7);
    message.writeUInt32BE(number, 0);
    sent.push(performance.now());
    socket.send(message, port, host);
    await sleep(gapMs);
  }
  await sleep(waitMs);
  socket.close();
  const sorted = [...times.values()].sort((left, right) => left - right);
  const medianMs = sorted[Math.floor(sorted.length / 2)];
  return { sent: count, answered: times.size, replies, late, wrong, leastMs: sorted[0], medianMs };
}

/** Bits in a second that arrive, as the receiver counts them. */
function push(host, port) {
  const socket = connect(port, host);
  const more = () => {
    while (!socket.destroyed && socket.write(CHUNK));
  };
  return new Promise((resolve, reject) => {
    socket.on('error', reject).on('connect', more).on('drain', more);
    socket.on('data', (text) => {
      socket.destroy();
      resolve({ bits: Number(String(text)) });
    });
  });
}

function pull(host, port, ms) {
  const socket = connect(port + 1, host);
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let begun;
    socket.on('error', reject).on('data', (chunk) => {
      begun ??= performance.now();
      bytes += chunk.length;
      const passed = performance.now() - begun;
      if (passed < ms) return;
      socket.destroy();
      resolve({ bits: Math.round((bytes * 8000) / passed) });
    });
  });
}

/** One connection over which something is sent and answered twenty times a second, as long as it lasts. */
function hold(host, port) {
  const socket = connect(port + 2, host);
  socket.on('connect', () => setInterval(() => socket.write('.'), 50));
  socket.on('data', () => console.log('answered'));
  socket.on('error', (error) => {
    console.log(`lost: ${error.code}`);
    process.exit(1);
  });
}

async function answer([what, host, ...numbers]) {
  const found = await { ping, push, pull }[what](host, ...numbers.map(Number));
  console.log(JSON.stringify(found));
}

if (verb === 'serve') serve(Number(words[0]));
else if (verb === 'hold') hold(words[0], Number(words[1]));
else if (verb === 'ask')
  for await (const line of createInterface({ input: process.stdin })) await answer(line.split(' '));
else await answer([verb, ...words]);
