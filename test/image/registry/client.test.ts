import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { RegistryClient } from '../../../src/image/registry/client.ts';
import { Connections } from '../../../src/image/registry/connections.ts';
import type { Credentials } from '../../../src/image/registry/credentials.ts';
import { Registries } from '../../../src/image/registry/registries.ts';
import { DEFAULT_TIMING } from '../../../src/image/registry/retry.ts';
import { errorBody, HttpRegistry, json, respond, testImage } from '../../helpers/http-registry.ts';

const { signal } = new AbortController();
const TIMING = { ...DEFAULT_TIMING, backOffMs: 1, mostBackOffMs: 2, silenceMs: 1000 };
const IMAGE = testImage([Buffer.alloc(300_000, 'layer')]);
const [LAYER = IMAGE.config] = IMAGE.layers;
const SECRET = 'hunter2';
const ANN: Credentials = { type: 'password', username: 'ann', password: SECRET };

let registry: HttpRegistry;
let other: HttpRegistry;
let connections: Connections;
beforeEach(async () => {
  [registry, other] = await Promise.all([HttpRegistry.start(), HttpRegistry.start()]);
  registry.addImage('app', '1', IMAGE);
  connections = new Connections(new Registries({ env: {}, certsDirectory: '/nonexistent' }), TIMING);
});
afterEach(async () => {
  await connections.close();
  await Promise.all([registry.close(), other.close()]);
});

function client(credentials?: Credentials, host = registry.host): RegistryClient {
  const endpoint = connections.registries.endpoint(host);
  return new RegistryClient({ connections, endpoint, repository: 'app', signal, credentials: async () => credentials });
}

async function bytes(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What is thrown has this code, says this, and never the password. */
async function fails(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, code, error.message);
    const text = `${error.message}\n${error.hint ?? ''}`;
    assert.match(text, message);
    assert.ok(!text.includes(SECRET) && !text.includes(Buffer.from(`ann:${SECRET}`).toString('base64')), text);
    return true;
  });
}

describe('manifests', () => {
  it('come by tag and by digest, in each of the four types that we say we take', async () => {
    const { digest, data, mediaType } = await client().manifest('1');
    assert.deepEqual({ digest, mediaType }, { digest: IMAGE.manifest.digest, mediaType: IMAGE.manifest.mediaType });
    assert.deepEqual(data, IMAGE.manifest.data);
    assert.deepEqual((await client().manifest(digest)).data, data);
    assert.equal(registry.seen[0]?.headers.accept?.split(', ').length, 4);
  });

  it('must be what the digest says, theirs and ours', async () => {
    registry.handler = (_request, response) =>
      respond(200, { 'content-type': IMAGE.manifest.mediaType }, '{}')(response);
    await fails(client().manifest(IMAGE.manifest.digest), 'image-invalid', /has the digest/);
    const lie = { 'content-type': IMAGE.manifest.mediaType, 'docker-content-digest': LAYER.digest };
    registry.handler = (_request, response) => respond(200, lie, '{}')(response);
    await fails(client().manifest('1'), 'image-invalid', /has the digest/);
    registry.handler = (_request, response) =>
      respond(200, { ...lie, 'docker-content-digest': 'md5:1' }, '{}')(response);
    await fails(client().manifest('1'), 'image-invalid', /not a sha256/);
  });

  it('are one thing only, and not endless', async () => {
    registry.handler = (_request, response) => respond(200, { 'content-type': 'text/html' }, '{}')(response);
    await fails(client().manifest('1'), 'image-invalid', /"text\/html"/);
    const type = 'application/vnd.oci.image.index.v1+json';
    registry.handler = (_request, response) => respond(200, { 'content-type': type }, IMAGE.manifest.data)(response);
    await fails(client().manifest('1'), 'image-invalid', /says of itself/);
    registry.handler = (_request, response) => {
      response.writeHead(200, { 'content-type': IMAGE.manifest.mediaType });
      const more = () => {
        if (!response.destroyed) response.write(Buffer.alloc(65_536, ' '), () => setImmediate(more));
      };
      more();
      return true;
    };
    await fails(client().manifest('1'), 'image-invalid', /larger than 4194304/);
  });
});

describe('blobs', () => {
  it('come whole, from an offset, and from a registry that knows no ranges', async () => {
    assert.deepEqual(await bytes(client().blob(LAYER)), LAYER.data);
    assert.deepEqual(await bytes(client().blob(LAYER, 1000)), LAYER.data.subarray(1000));
    registry.ranges = false;
    assert.deepEqual(await bytes(client().blob(LAYER, 1000)), LAYER.data.subarray(1000));
    registry.handler = (request, response) =>
      request.headers.range !== undefined && respond(416, { 'content-range': 'bytes */0' })(response);
    assert.deepEqual(await bytes(client().blob(LAYER, 1000)), LAYER.data.subarray(1000));
    registry.handler = (request, response) =>
      request.headers.range !== undefined && respond(206, { 'content-range': 'bytes 5000-9999/300000' }, 'x')(response);
    assert.deepEqual(await bytes(client().blob(LAYER, 1000)), LAYER.data.subarray(1000));
  });

  it('go on where the connection broke, as often as it achieves something', async () => {
    let left = 3;
    registry.handler = (request, response) => {
      if (left-- <= 0) return false;
      const start = Number(/[0-9]+/.exec(request.headers.range ?? '0')?.[0]);
      const headers = {
        'content-length': LAYER.size - start,
        'content-range': `bytes ${start}-${LAYER.size - 1}/${LAYER.size}`,
      };
      response
        .writeHead(start === 0 ? 200 : 206, headers)
        .write(LAYER.data.subarray(start, start + 70_000), () => response.destroy());
      return true;
    };
    assert.deepEqual(await bytes(client().blob(LAYER)), LAYER.data);
    const ranges = registry.seen.map(({ headers }) => headers.range);
    assert.equal(ranges.length, 4);
    assert.match(String(ranges[3]), /^bytes=[1-9][0-9]{4,}-$/);
  });

  it('a peer that breaks off for ever, drips, or lies about the length ends', async () => {
    registry.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': LAYER.size }).write('x', () => response.destroy());
      return true;
    };
    await fails(bytes(client().blob(LAYER)), 'registry-unreachable', /broke off/);
    assert.equal(registry.seen.length, TIMING.attempts);
    registry.handler = (_request, response) => respond(200, { 'content-length': '10' }, '0123456789')(response);
    await fails(bytes(client().blob(LAYER)), 'image-invalid', /has 10 bytes, not 300000/);
    registry.handler = (_request, response) => {
      response.writeHead(200);
      response.end('short');
      return true;
    };
    await fails(bytes(client().blob(LAYER)), 'registry-failed', /ends after/);
  });

  it('a peer that says nothing is given up', async () => {
    connections = new Connections(connections.registries, { ...TIMING, silenceMs: 50, attempts: 1 });
    registry.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': LAYER.size }).write('x');
      return true;
    };
    await fails(bytes(client().blob(LAYER)), 'registry-unreachable', /said nothing for 0\.05 s/);
    registry.handler = () => true;
    await fails(client().manifest('1'), 'registry-unreachable', /said nothing/);
  });

  it('lie at another host, which never learns who we are', async () => {
    other.addImage('app', '1', IMAGE);
    registry.handler = (request, response) => {
      if (request.headers.authorization === undefined) {
        return respond(401, { 'www-authenticate': 'Basic realm="x"' })(response);
      }
      return respond(307, { location: `http://${other.host}${request.url}` })(response);
    };
    assert.deepEqual(await bytes(client(ANN).blob(LAYER, 5)), LAYER.data.subarray(5));
    assert.deepEqual(
      registry.seen.map(({ headers }) => headers.authorization !== undefined),
      [false, true],
    );
    assert.deepEqual(
      other.seen.map(({ headers }) => [headers.authorization, headers.range]),
      [[undefined, 'bytes=5-']],
    );
    // Who is sent elsewhere and back is not ours any more.
    other.handler = (request, response) =>
      respond(307, { location: `http://${registry.host}${request.url}?back` })(response);
    registry.seen.length = 0;
    const known = client(ANN);
    await fails(bytes(known.blob(LAYER)), 'registry-denied', /401/);
    for (const { url, headers } of registry.seen)
      if (url.endsWith('?back')) assert.equal(headers.authorization, undefined);
  });

  it('a password is not asked for by the host that we are sent to', async () => {
    registry.handler = (request, response) =>
      respond(302, { location: `http://${other.host}${request.url}` })(response);
    other.handler = (_request, response) => respond(401, { 'www-authenticate': 'Basic realm="x"' })(response);
    await fails(bytes(client(ANN).blob(LAYER)), 'registry-denied', /where the registry sends us/);
    assert.ok(other.seen.every(({ headers }) => headers.authorization === undefined));
  });

  it('redirects end, and lead to no file', async () => {
    registry.handler = (request, response) => respond(302, { location: request.url ?? '' })(response);
    await fails(bytes(client().blob(LAYER)), 'registry-failed', /more than 10 times/);
    assert.equal(registry.seen.length, 11);
    for (const location of ['file:///etc/passwd', 'http://', '', 'gopher://x/']) {
      registry.handler = (_request, response) => respond(302, { location })(response);
      await fails(bytes(client().blob(LAYER)), 'registry-failed', /no address of HTTP/);
    }
  });
});

describe('who we are', () => {
  /** A token server at `other`; `tokens` is what it has given. */
  function tokenServer(answer: (scopes: readonly string[]) => object) {
    const challenge = `Bearer realm="http://${other.host}/token",service="registry.test"`;
    registry.handler = (request, response) =>
      request.headers.authorization !== 'Bearer good' && respond(401, { 'www-authenticate': challenge })(response);
    other.handler = (request, response) => {
      json(response, 200, answer(new URL(request.url ?? '', 'http://x').searchParams.getAll('scope')));
      return true;
    };
  }

  it('a token is fetched once for what is to be done, and again when it has ended', async () => {
    tokenServer(() => ({ token: 'good', expires_in: 300 }));
    const one = client(ANN);
    await Promise.all([one.manifest('1'), one.manifest('1')]);
    await bytes(one.blob(LAYER));
    assert.equal(registry.seen.filter(({ headers }) => headers.authorization === undefined).length, 2);
    assert.ok(other.seen.length <= 2);
    const { url, headers } = other.seen[0] ?? { url: '', headers: {} };
    const { searchParams } = new URL(url, 'http://x');
    assert.deepEqual(searchParams.getAll('scope'), ['repository:app:pull']);
    assert.equal(searchParams.get('service'), 'registry.test');
    assert.equal(headers.authorization, `Basic ${Buffer.from(`ann:${SECRET}`).toString('base64')}`);

    tokenServer(() => ({ access_token: 'good', expires_in: 0.02 }));
    const two = client();
    await two.manifest('1');
    const before = other.seen.length;
    await new Promise((resolve) => setTimeout(resolve, 30));
    await two.manifest('1');
    assert.equal(other.seen.length, before + 1);
    assert.equal(other.seen.at(-1)?.headers.authorization, undefined);
  });

  it('an identity token goes to the token server in a form', async () => {
    tokenServer(() => ({ access_token: 'good' }));
    let form = '';
    const { handler } = other;
    other.handler = async (request, response) => {
      for await (const chunk of request) form += String(chunk);
      return handler(request, response);
    };
    await client({ type: 'identity', token: 'long' }).manifest('1');
    const { grant_type, refresh_token, scope } = Object.fromEntries(new URLSearchParams(form));
    assert.deepEqual(
      [other.seen[0]?.method, grant_type, refresh_token, scope],
      ['POST', 'refresh_token', 'long', 'repository:app:pull'],
    );
  });

  it('a token that is refused is fetched anew, but not for ever', async () => {
    let given = 0;
    tokenServer(() => ({ token: given++ === 0 ? 'revoked' : 'good' }));
    await client().manifest('1');
    assert.equal(given, 2);
    tokenServer(() => ({ token: 'never' }));
    await fails(client(ANN).manifest('1'), 'registry-denied', /answers 401[\s\S]*tsstack login 127/);
    assert.ok(other.seen.length < 8);
  });

  it('a password that is wrong, or that nobody has, is told', async () => {
    registry.handler = (_request, response) => {
      json(response, 401, errorBody('UNAUTHORIZED', 'bad password'), { 'www-authenticate': 'Basic realm="x"' });
      return true;
    };
    await fails(client(ANN).ping(), 'registry-denied', /401 \(UNAUTHORIZED: bad password\)/);
    assert.equal(registry.seen.length, 2);
    await fails(client().ping(), 'registry-denied', /no credentials are known[\s\S]*tsstack login/);
    tokenServer(() => ({}));
    await fails(client(ANN).ping(), 'registry-failed', /no token in its answer/);
    other.handler = (_request, response) => respond(401, {})(response);
    await fails(client(ANN).ping(), 'registry-denied', /does not take these credentials/);
  });

  for (const realm of ['file:///etc/passwd', 'http://auth.test/token', 'nonsense', 'https://ann@auth.test/']) {
    it(`no password goes to ${realm}`, async () => {
      registry.handler = (_request, response) =>
        respond(401, { 'www-authenticate': `Bearer realm="${realm}"` })(response);
      await fails(client(ANN).ping(), 'registry-failed', /wants credentials sent to .*[\s\S]*Nothing was sent/);
    });
  }
});

describe('answers that are none', () => {
  it('what is not there, not allowed, and broken are different errors', async () => {
    await fails(client().manifest('2'), 'image-missing', /manifest "2" of 127.*404 \(NAME_UNKNOWN: not here\)/);
    assert.equal(await client().hasBlob(LAYER.digest), true);
    assert.equal(await client().hasBlob(`sha256:${'0'.repeat(64)}`), false);
    registry.handler = (_request, response) => respond(403, {}, '<html><title>Go away\u001b[2J</title>')(response);
    await fails(client().manifest('1'), 'registry-denied', /403 \(Go away\)/);
    registry.seen.length = 0;
    registry.handler = (_request, response) => respond(503, {})(response);
    await fails(client().manifest('1'), 'registry-failed', /answers 503/);
    assert.equal(registry.seen.length, TIMING.attempts);
  });

  it('a trouble that passes is not noticed', async () => {
    let left = 3;
    registry.handler = (request, response) => {
      if (left-- <= 0) return false;
      if (left === 1) request.socket.destroy();
      else respond(left === 0 ? 429 : 500, { 'retry-after': '0' })(response);
      return true;
    };
    await client().manifest('1');
    assert.equal(registry.seen.length, 4);
  });

  it('a limit is told in its numbers, and a pause that is too long is not waited for', async () => {
    const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600', 'retry-after': '7200' };
    registry.handler = (_request, response) => respond(429, headers)(response);
    const message =
      /limit is 100 requests in 6 h, 0 requests are left, it may be asked again in 7200 s[\s\S]*tsstack login/;
    await fails(client().manifest('1'), 'registry-limited', message);
    assert.equal(registry.seen.length, 1);
  });

  it('a port where nothing listens, and a host that speaks something else', async () => {
    const { host } = other;
    await other.close();
    await fails(client(undefined, host).ping(), 'registry-unreachable', /nothing listens there/);
    other = await HttpRegistry.start();
    other.handler = (request) => {
      request.socket.end('220 mail.test ESMTP\r\n');
      return true;
    };
    await fails(client(undefined, other.host).ping(), 'registry-failed', /not HTTP/);
    registry.handler = (_request, response) =>
      respond(400, {}, 'Client sent an HTTP request to an HTTPS server.\n')(response);
    await fails(client().ping(), 'registry-unreachable', /speaks TLS[\s\S]*certs\.d/);
    const endpoint = { ...connections.registries.endpoint(registry.host), origin: `https://${registry.host}` };
    const tls = new RegistryClient({
      connections,
      endpoint,
      repository: 'app',
      signal,
      credentials: async () => undefined,
    });
    await fails(tls.ping(), 'registry-unreachable', /does not speak TLS[\s\S]*http: true/);
  });

  it('tags come page by page, from the registry only', async () => {
    registry.handler = (request, response) => {
      const first = request.url?.includes('last=') !== true;
      const link = first
        ? { link: '</v2/app/tags/list?n=1000&last=b>; rel="next"' }
        : { link: '<http://evil.test/x>; rel="next"' };
      json(response, 200, { name: 'app', tags: first ? ['a', 'b'] : ['c'] }, link);
      return true;
    };
    assert.deepEqual(await client().tags(), ['a', 'b', 'c']);
    assert.equal(registry.seen.length, 2);
  });
});

describe('uploads', () => {
  const upload = { descriptor: LAYER, source: (offset: number) => chunks(LAYER.data.subarray(offset)) };
  async function* chunks(data: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < data.length; at += 65_536) yield data.subarray(at, at + 65_536);
  }

  it('a registry that takes no blob in one piece gets it in parts', async () => {
    let received = Buffer.alloc(0);
    registry.handler = async (request, response) => {
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk as Buffer);
      const data = Buffer.concat(body);
      if (request.method === 'POST') return respond(202, { location: '/v2/app/blobs/uploads/1?state=a%2Fb' })(response);
      if (request.method === 'PUT' && data.length > 0) return respond(413, {})(response);
      if (request.method === 'PUT') return respond(201, {})(response);
      assert.equal(request.headers['content-range'], `${received.length}-${received.length + data.length - 1}`);
      received = Buffer.concat([received, data]);
      return respond(202, { location: '/v2/app/blobs/uploads/1?state=a%2Fb' })(response);
    };
    assert.equal(await client().uploadBlob(upload), 'uploaded');
    assert.deepEqual(received, LAYER.data);
    assert.deepEqual(
      registry.seen.map(({ method }) => method),
      ['POST', 'PUT', 'POST', 'PATCH', 'PUT'],
    );
    assert.ok(registry.seen.at(-1)?.url.startsWith('/v2/app/blobs/uploads/1?state=a%2Fb&digest=sha256%3A'));
  });

  it('an upload that breaks begins anew; a mount sends nothing', async () => {
    let broken = false;
    registry.handler = async (request, response) => {
      if (request.method === 'PUT' && !broken) {
        broken = true;
        request.socket.destroy();
        return true;
      }
      for await (const _ of request);
      if (request.url?.includes('mount=') === true) return respond(201, {})(response);
      return respond(request.method === 'POST' ? 202 : 201, { location: '/v2/app/blobs/uploads/2' })(response);
    };
    assert.equal(await client().uploadBlob(upload), 'uploaded');
    assert.deepEqual(
      registry.seen.map(({ method }) => method),
      ['POST', 'PUT', 'POST', 'PUT'],
    );
    assert.equal(await client().uploadBlob({ ...upload, mountFrom: 'base' }), 'mounted');
    assert.match(registry.seen.at(-1)?.url ?? '', /mount=sha256%3A[0-9a-f]{64}&from=base$/);
  });

  it('the place that takes the bytes need not be the registry, and learns no password then', async () => {
    registry.handler = (request, response) => {
      if (request.headers.authorization === undefined)
        return respond(401, { 'www-authenticate': 'Basic realm="x"' })(response);
      return respond(202, { location: `http://${other.host}/put` })(response);
    };
    other.handler = async (request, response) => {
      for await (const _ of request);
      return respond(201, {})(response);
    };
    assert.equal(await client(ANN).uploadBlob(upload), 'uploaded');
    assert.equal(other.seen[0]?.headers.authorization, undefined);
  });
});
