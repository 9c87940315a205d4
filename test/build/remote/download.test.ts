import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Download, download } from '../../../src/build/remote/download.ts';
import { fileName } from '../../../src/build/remote/file-name.ts';
import { Proxies } from '../../../src/image/registry/proxies.ts';
import { DEFAULT_TIMING } from '../../../src/image/registry/retry.ts';
import { withDirectory } from '../../helpers/image-builder.ts';

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
const SHA256 = `sha256:${createHash('sha256').update(CONTENT).digest('hex')}`;
const MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT';
const TIMING = { ...DEFAULT_TIMING, backOffMs: 1, mostBackOffMs: 2, silenceMs: 300, connectMs: 2000 };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let origin = '';
let requests: IncomingMessage[] = [];
let handler: Handler;

beforeEach(async () => {
  requests = [];
  handler = (_request, response) => response.writeHead(200, { 'last-modified': MODIFIED }).end(CONTENT);
  server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function get(
  path: string,
  options: Partial<Download> = {},
  check: (file: string) => void = (file) => assert.deepEqual(readFileSync(file), CONTENT),
): Promise<string> {
  let found = '';
  await withDirectory(async (directory) => {
    const into = `${directory}/into`;
    mkdirSync(into);
    const signal = new AbortController().signal;
    try {
      const url = path.startsWith('http') ? path : `${origin}${path}`;
      found = (await download({ url, directory: into, env: {}, signal, timing: TIMING, ...options })).name;
    } catch (error) {
      assert.deepEqual(readdirSync(into), [], 'nothing is left of what has failed');
      throw error;
    }
    assert.deepEqual(readdirSync(into), [found]);
    check(`${into}/${found}`);
  });
  return found;
}

const failed = (message: RegExp) => ({ code: 'build-failed', message });

describe('download()', () => {
  it('puts the file there under its name, for its owner only, with its time', async () => {
    const name = await get('/dir/the%20file.txt?x=1', { checksum: SHA256 }, (file) => {
      const { mode, mtimeMs } = statSync(file);
      assert.deepEqual([mode & 0o7777, mtimeMs], [0o600, Date.parse(MODIFIED)]);
      assert.deepEqual(readFileSync(file), CONTENT);
    });
    assert.equal(name, 'the file.txt');
    assert.equal(requests[0]?.url, '/dir/the%20file.txt?x=1');
    assert.equal(requests[0]?.headers['accept-encoding'], 'identity');
  });

  it('has the epoch as its time where the server names none, and takes an empty file', async () => {
    handler = (_request, response) => response.end();
    await get('/empty', {}, (file) => assert.deepEqual([statSync(file).mtimeMs, statSync(file).size], [0, 0]));
  });

  it('refuses another digest, a checksum that is none, and what is no URL of HTTP', async () => {
    const other = `sha512:${'0'.repeat(128)}`;
    await assert.rejects(
      get('/f', { checksum: other }),
      failed(/\/f: it has the digest sha512:[0-9a-f]{128}, not sha512:0/),
    );
    assert.equal(requests.length, 1, 'another attempt would not mend it');
    await assert.rejects(get('/f', { checksum: 'md5:00' }), failed(/"md5:00" is no digest/));
    await assert.rejects(get('/f', { url: 'file:///etc/passwd' }), failed(/no URL of HTTP/));
  });

  it('goes on where the connection broke, as long as it is the same file', async () => {
    handler = (request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
      const range = start > 0 && { 'content-range': `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}` };
      response.writeHead(start > 0 ? 206 : 200, { etag: '"1"', 'content-length': CONTENT.length - start, ...range });
      if (requests.length > 3) response.end(CONTENT.subarray(start));
      else response.write(CONTENT.subarray(start, start + 70_000), () => response.destroy());
    };
    await get('/f', { checksum: SHA256 });
    assert.equal(requests.length, 4);
    assert.match(String(requests[3]?.headers.range), /^bytes=[1-9]\d{3,}-$/);
    assert.equal(requests[3]?.headers['if-range'], '"1"');
  });

  for (const [what, answer] of [
    ['has changed', (response: ServerResponse) => response.writeHead(200, { etag: '"2"' }).end(CONTENT)],
    ['is shorter now', (response: ServerResponse) => response.writeHead(416).end()],
    [
      'comes from elsewhere',
      (response: ServerResponse) => response.writeHead(206, { 'content-range': 'bytes 1-9/10' }).end('x'),
    ],
  ] as const) {
    it(`begins anew when the file ${what}`, async () => {
      const first: Handler = (_request, response) => {
        const headers = { etag: '"1"', 'content-length': 1_000_000 };
        response.writeHead(200, headers).write(Buffer.alloc(100_000), () => response.destroy());
      };
      handler = (request, response) => {
        if (requests.length === 1) return first(request, response);
        return request.headers.range === undefined ? response.end(CONTENT) : answer(response);
      };
      await get('/f', { checksum: SHA256 });
    });
  }

  it('begins anew where it cannot be told whether the rest belongs to it', async () => {
    handler = (_request, response) => {
      response.writeHead(200, { etag: 'W/"1"', 'content-length': CONTENT.length });
      if (requests.length > 1) response.end(CONTENT);
      else response.write(CONTENT.subarray(0, 100_000), () => response.destroy());
    };
    await get('/f', { checksum: SHA256 });
    assert.equal(requests[1]?.headers.range, undefined);
  });

  it('asks again after a passing trouble, not after a refusal, and ends', async () => {
    handler = (_request, response) =>
      requests.length < 3 ? response.writeHead(503, { 'retry-after': '0' }).end() : response.end(CONTENT);
    await get('/f');
    requests = [];
    handler = (_request, response) => response.writeHead(404).end('no');
    await assert.rejects(
      get('/secret?token=hunter2'),
      failed(/^Cannot download http:\/\/127[^?]*\/secret: the server answers 404$/),
    );
    assert.equal(requests.length, 1);
    handler = (_request, response) =>
      response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy());
    await assert.rejects(get('/drip'), failed(/broke off/));
    assert.equal(requests.length, 1 + TIMING.attempts);
  });

  it('a server that says nothing, or is not there, is told of', async () => {
    handler = () => undefined;
    await assert.rejects(get('/f'), failed(/it said nothing for 0.3 s/));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(get('/f'), failed(/nothing listens there/));
  });

  it('stops at its limit, announced or not', async () => {
    await assert.rejects(get('/f', { maxBytes: 299_999 }), failed(/more than 299999 bytes/));
    handler = (_request, response) => {
      response.writeHead(200);
      const more = (): boolean => response.write(Buffer.alloc(65_536), () => !response.destroyed && more());
      more();
    };
    await assert.rejects(get('/endless', { maxBytes: 1_000_000 }), failed(/more than 1000000 bytes/));
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    handler = (_request, response) => response.writeHead(200).write('x', () => controller.abort());
    await assert.rejects(get('/f', { signal: controller.signal }), { code: 'cancelled' });
  });

  it('follows redirects, but not for ever, not out of HTTP, and with the user for the first server only', async () => {
    const second = createServer((request, response) => {
      requests.push(request);
      response.end(CONTENT);
    });
    await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(second.address() as AddressInfo).port}/other.bin`;
    try {
      handler = (_request, response) => response.writeHead(302, { location: elsewhere }).end();
      assert.equal(await get(`${origin.replace('//', '//ann:hunter2@')}/named.bin`), 'named.bin');
      const basic = `Basic ${Buffer.from('ann:hunter2').toString('base64')}`;
      assert.deepEqual(
        requests.map(({ headers }) => headers.authorization),
        [basic, undefined],
      );
    } finally {
      second.closeAllConnections();
      second.close();
    }
    requests = [];
    handler = (_request, response) => response.writeHead(301, { location: '/again' }).end();
    await assert.rejects(get('/f'), failed(/sent on more than 10 times/));
    assert.equal(requests.length, 11);
    handler = (_request, response) => response.writeHead(301, { location: 'file:///etc/shadow' }).end();
    await assert.rejects(get('/f'), failed(/"file:\/\/\/etc\/shadow", which is no address of HTTP/));
  });

  it('asks the proxy of the caller for what lies on another machine', async () => {
    const name = await get('http://files.test/a/file', { env: { http_proxy: origin.replace('//', '//ann:pw@') } });
    assert.equal(name, 'file');
    assert.equal(requests[0]?.url, 'http://files.test/a/file');
    assert.equal(requests[0]?.headers['proxy-authorization'], `Basic ${Buffer.from('ann:pw').toString('base64')}`);
    server.on('connect', (request, socket) => {
      requests.push(request);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await assert.rejects(
      get('https://files.test/x', { env: { HTTPS_PROXY: origin } }),
      failed(/Proxy response \(403\)/),
    );
    assert.equal(requests[1]?.url, 'files.test:443');
  });
});

describe('fileName()', () => {
  for (const [url, disposition, name] of [
    ['http://h/a/b.tar', 'attachment; filename="other"', 'b.tar'],
    ['http://h/a/b/', undefined, 'b'],
    ['http://h/a%2F..%2Fc', undefined, 'c'],
    ['http://h/%ff', undefined, '%ff'],
    ['http://h/', 'attachment; filename="x \\"y\\".txt"', 'x "y".txt'],
    ['http://h/', "attachment; filename=plain; filename*=UTF-8''%e2%82%ac%20rates", '€ rates'],
    ['http://h/', 'attachment; filename="../../etc/passwd"', 'passwd'],
    ['http://h/', 'attachment; filename=".."', 'download'],
    ['http://h?x=1', undefined, 'download'],
    [`http://h/${'n'.repeat(256)}`, undefined, 'download'],
    ['http://h/a%00b', undefined, 'download'],
    ['http://h/x%2F..', undefined, 'download'],
  ] as const) {
    it(`${url.slice(0, 40)} with ${disposition} is ${name}`, () =>
      assert.equal(fileName(new URL(url), disposition), name));
  }
});

describe('proxies', () => {
  const env = { http_proxy: 'proxy:3128', HTTPS_PROXY: 'https://secure:1' };
  const except = '.sub.test, plain.test,10.0.0.0/8 [2001:db8::1]:8080,port.test:81,*.star.test,fd00::/8,192.0.2.1';
  for (const [url, noProxy, proxy] of [
    ['http://a.test/', '', 'http://proxy:3128'],
    ['https://a.test/', '', 'https://secure:1'],
    ['http://localhost/', '', undefined],
    ['http://127.9.9.9/', '', undefined],
    ['http://[::1]/', '', undefined],
    ['http://a.test/', '*', undefined],
    ['http://x.sub.test/', except, undefined],
    ['http://sub.test/', except, 'http://proxy:3128'],
    ['http://x.plain.test./', except, undefined],
    ['http://explain.test/', except, 'http://proxy:3128'],
    ['http://10.1.2.3/', except, undefined],
    ['http://11.1.2.3/', except, 'http://proxy:3128'],
    ['http://192.0.2.1/', except, undefined],
    ['http://[2001:db8::1]:8080/', except, undefined],
    ['http://[2001:db8::1]/', except, 'http://proxy:3128'],
    ['http://[fd00::7]/', except, undefined],
    ['http://port.test:81/', except, undefined],
    ['http://port.test/', except, 'http://proxy:3128'],
    ['http://x.star.test/', except, undefined],
  ] as const) {
    it(`${url} without ${noProxy} is ${proxy}`, () =>
      assert.equal(new Proxies({ ...env, no_proxy: noProxy }).for(new URL(url))?.origin, proxy));
  }
  it('there is none without the variables', () =>
    assert.equal(new Proxies({}).for(new URL('http://a.test')), undefined));
});
