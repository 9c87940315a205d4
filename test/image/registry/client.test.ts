import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RegistryClient } from '../../../src/image/registry/client.ts';
import { HttpRegistry, json, respond } from '../../helpers/http-registry.ts';
import {
  ANN,
  client,
  connections,
  fails,
  IMAGE,
  LAYER,
  other,
  registry,
  setUpRegistries,
  signal,
  TIMING,
} from '../../helpers/registry-client.ts';

setUpRegistries();

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
    const gone = await HttpRegistry.start();
    const { host } = gone;
    await gone.close();
    await fails(client(undefined, host).ping(), 'registry-unreachable', /nothing listens there/);
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
