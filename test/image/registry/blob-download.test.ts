import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connections } from '../../../src/image/registry/connections.ts';
import { respond } from '../../helpers/http-registry.ts';
import {
  ANN,
  bytes,
  client,
  connections,
  fails,
  IMAGE,
  LAYER,
  other,
  registry,
  setUpRegistries,
  TIMING,
} from '../../helpers/registry-client.ts';

setUpRegistries();

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
    const impatient = new Connections(connections.registries, { ...TIMING, silenceMs: 50, attempts: 1 });
    registry.handler = (request, response) => {
      if (request.url?.includes('blobs')) response.writeHead(200, { 'content-length': LAYER.size }).write('x');
      return true;
    };
    const ours = client(undefined, registry.host, impatient);
    await Promise.all([
      fails(bytes(ours.blob(LAYER)), 'registry-unreachable', /said nothing for 0\.05 s/),
      fails(ours.manifest('1'), 'registry-unreachable', /said nothing/),
    ]);
    await impatient.close();
  });

  it('a registry that has nothing to give for any range ends', async () => {
    registry.handler = (_request, response) => respond(416, { 'content-range': 'bytes */0' })(response);
    await fails(bytes(client().blob(LAYER, 1000)), 'registry-failed', /answers 416/);
    assert.equal(registry.seen.length, 2);
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
    const challenge = `Basic realm="x", Bearer realm="http://${other.host}/token"`;
    other.handler = (_request, response) => respond(401, { 'www-authenticate': challenge })(response);
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
