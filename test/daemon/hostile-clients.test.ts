import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiServer } from '../../src/daemon/server.ts';
import { makePrivateDirectory } from '../../src/store/private-directory.ts';
import { fuzzRuns } from '../helpers/fuzz.ts';
import { until } from '../helpers/run.ts';
import { withEngine } from '../helpers/test-engine.ts';
import { ask } from './ask.ts';

function withSocket(body: (socket: string) => Promise<void>): Promise<void> {
  return withEngine(async ({ engine, paths }) => {
    const server = new ApiServer(engine, () => undefined);
    const socket = `${paths.run}/daemon.sock`;
    await server.listen(socket);
    try {
      await body(socket);
    } finally {
      await server.close();
    }
  });
}

/** Sends bytes and gives all that comes back, until the server closes. */
async function exchange(socket: string, bytes: string | Uint8Array): Promise<string> {
  const client = connect(socket).setEncoding('latin1');
  let text = '';
  client.on('data', (chunk) => {
    text += chunk;
  });
  client.on('error', () => undefined);
  client.end(bytes);
  await once(client, 'close');
  return text;
}

const isAlive = async (socket: string): Promise<void> =>
  assert.equal((await ask(socket, { path: '/v1/version' })).status, 200);

test('what is no HTTP is a 400, what has too large a head a 431, and neither tells of our insides', () =>
  withSocket(async (socket) => {
    const malformed: readonly (readonly [string, RegExp])[] = [
      ['GET\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['GET /v1/version HTTP/9.9\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['GET /v1/version HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', / 400 /],
      ['POST /v1/plan HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', /^HTTP\/1\.1 400 /],
      [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 431 /],
      [`GET /v1/version HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(5_000)}\r\n`, /^HTTP\/1\.1 431 /],
      ['\u0016\u0003\u0001\u0002\u0000\u0001', /^HTTP\/1\.1 400 /],
    ];
    for (const [bytes, answer] of malformed) {
      const text = await exchange(socket, bytes);
      assert.match(text, answer, bytes.slice(0, 60));
      assert.doesNotMatch(text, /\bat |node:|\.ts\b/);
    }
    for (const line of [
      'OPTIONS * HTTP/1.1',
      'CONNECT evil:80 HTTP/1.1',
      'GET http://[ HTTP/1.1',
      'TRACE / HTTP/1.1',
    ]) {
      assert.doesNotMatch(
        await exchange(socket, `${line}\r\nHost: x\r\nConnection: close\r\n\r\n`),
        / 200 |\bat /,
        line,
      );
    }
    await isAlive(socket);
  }));

test('a body of another type, or a compressed one, is a 415; what curl says of -d is taken', () =>
  withSocket(async (socket) => {
    const plan = (headers: Readonly<Record<string, string>>) => ask(socket, { path: '/v1/plan', body: {}, headers });
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'text/html', 'application/jsonp', '']) {
      const { status, json } = await plan({ 'content-type': type });
      assert.deepEqual([status, json['code']], [415, 'usage'], type);
    }
    assert.equal((await plan({ 'content-encoding': 'gzip' })).status, 415);
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded']) {
      assert.equal((await plan({ 'content-type': type })).status, 400, type);
    }
  }));

test('deep nesting and members named __proto__ are a 400, and change no prototype', () =>
  withSocket(async (socket) => {
    const deep = `{"load":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    assert.equal((await ask(socket, { path: '/v1/plan', body: deep })).status, 400);
    const load = '"load":{"cwd":"/","files":[],"env":{},"envFiles":[],"profiles":[],"services":[]}';
    for (const body of [`{"__proto__":{${load}}}`, '{"constructor":{"prototype":{"polluted":true}},"__proto__":1}']) {
      assert.equal((await ask(socket, { path: '/v1/plan', body })).status, 400, body);
    }
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  }));

test('any JSON for any route is answered with a status and a code, and never with a stack trace', () =>
  withSocket(async (socket) => {
    const paths = [
      'plan',
      'up',
      'down',
      'kill',
      'inspect',
      'exec',
      'cancel',
      'volumes/create',
      'networks/create',
      'copy',
    ];
    const member = fc.constantFrom(
      'load',
      'selector',
      'stack',
      'services',
      'requestId',
      'name',
      'env',
      '__proto__',
      'cwd',
    );
    const value = fc.oneof(
      fc.json().map((text) => JSON.parse(text) as unknown),
      fc.constant('probe'),
      fc.object(),
    );
    const body = fc.oneof(fc.dictionary(member, value), value);
    const run = async (path: string, sent: unknown): Promise<void> => {
      const { status, text, json, lines } = await ask(socket, { path: `/v1/${path}`, body: JSON.stringify(sent) });
      const last = lines.at(-1)?.['error'] ?? json;
      if (status === 200) return;
      assert.ok(status >= 400 && status < 500, `${path}: ${status} ${text}`);
      assert.match(String((last as Record<string, unknown>)['code']), /^[a-z-]+$/);
      assert.doesNotMatch(text, /\n\s+at |node:internal|TypeError|RangeError/);
    };
    await fc.assert(fc.asyncProperty(fc.constantFrom(...paths), body, run), fuzzRuns(150));
  }));

test('a thousand clients that say nothing, or half a request, cost no more than some, and others are answered', () =>
  withSocket(async (socket) => {
    const half = ['', 'POST /v1/pl', 'POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{"a":'];
    const clients: Socket[] = [];
    let closed = 0;
    for (let index = 0; index < 1_000; index += 1) {
      const client = connect(socket);
      client.on('error', () => undefined).on('close', () => (closed += 1));
      client.write(half[index % half.length] ?? '');
      client.resume();
      clients.push(client);
      if (index % 100 === 99) await isAlive(socket);
    }
    await until('the oldest to be closed', () => closed >= 1_000 - 256);
    const begin = performance.now();
    await isAlive(socket);
    assert.ok(performance.now() - begin < 5_000);
    for (const client of clients) client.destroy();
  }));

test('bodies of many clients at once are bounded together: the last ones are told to try again', () =>
  withSocket(async (socket) => {
    const piece = Buffer.alloc(12 * 1024 * 1024, ' ');
    const clients: Socket[] = [];
    const answers: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      const client = connect(socket);
      client.on('error', () => undefined);
      client.setEncoding('latin1').on('data', (text: string) => answers.push(text));
      client.write(`POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: ${piece.length + 1}\r\n\r\n`);
      client.write(piece);
      clients.push(client);
    }
    await until('a refusal', () => answers.length > 0);
    assert.match(answers.join(''), /^HTTP\/1\.1 503 .*Too many large requests/s);
    for (const client of clients) client.destroy();
    await until('room for others', async () => (await ask(socket, { path: '/v1/plan', body: {} })).status === 400);
  }));

test('a body that is too large is refused by its length, and not read: who sends on sees the answer and is cut off', () =>
  withSocket(async (socket) => {
    const piece = Buffer.alloc(1024 * 1024, ' ');
    const client = connect(socket).setEncoding('latin1');
    let answer = '';
    let taken = 0;
    client.on('error', () => undefined).on('data', (text) => (answer += text));
    client.write(`POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: ${100 * piece.length}\r\n\r\n`);
    const send = (): void => {
      client.write(piece, (error) => {
        if (error) return;
        taken += 1;
        if (taken < 100) send();
      });
    };
    send();
    await new Promise((resolve) => client.once('close', resolve));
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.ok(taken < 20, `${taken} MiB were taken`);
    await isAlive(socket);
  }));

test('a directory of ours is closed to others; one that others have put something into, or that is a link, is not used', () => {
  const directory = mkdtempSync(`${tmpdir()}/private-`);
  try {
    const mode = (path: string): number => statSync(path).mode & 0o777;
    makePrivateDirectory(`${directory}/a/new`);
    assert.equal(mode(`${directory}/a/new`), 0o700);
    mkdirSync(`${directory}/open`, { mode: 0o755 });
    makePrivateDirectory(`${directory}/open`);
    assert.equal(mode(`${directory}/open`), 0o700);
    mkdirSync(`${directory}/shared`);
    chmodSync(`${directory}/shared`, 0o1777);
    writeFileSync(`${directory}/shared/records`, 'ours');
    makePrivateDirectory(`${directory}/shared`);
    assert.equal(mode(`${directory}/shared`), 0o700);
    if (process.geteuid?.() === 0) {
      chmodSync(`${directory}/shared`, 0o1777);
      writeFileSync(`${directory}/shared/planted`, '');
      chownSync(`${directory}/shared/planted`, 2000, 2000);
      const refused = /is not used: it holds "planted", which is somebody else's/;
      assert.throws(() => makePrivateDirectory(`${directory}/shared`), refused);
      assert.throws(() => makePrivateDirectory(`${directory}/shared`), refused, 'closed, and not trusted for that');
    }
    symlinkSync(`${directory}/open`, `${directory}/link`);
    assert.throws(() => makePrivateDirectory(`${directory}/link`), /is not used: it is a link/);
    if (process.geteuid?.() !== 0) assert.throws(() => makePrivateDirectory('/'), /belongs to user 0/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
