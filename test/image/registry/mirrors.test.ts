import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { HttpRegistry, respond } from '../../helpers/http-registry.ts';
import { env, IMAGE, LAYER, names, pull, registry, settings, setUpPulls, state, store } from '../../helpers/pull.ts';

setUpPulls();

const answering =
  (...answer: Parameters<typeof respond>): HttpRegistry['handler'] =>
  (_request, response) =>
    respond(...answer)(response);

describe('mirrors', () => {
  let mirror: HttpRegistry;
  beforeEach(async () => {
    mirror = await HttpRegistry.start();
    settings(`registries:\n  ${registry.host}:\n    mirrors: [${mirror.host}]\n`);
    registry.addImage('app', '1', IMAGE);
  });
  afterEach(() => mirror.close());

  it('are asked first, and the registry not at all', async () => {
    mirror.addImage('app', '1', IMAGE);
    await pull('app:1');
    assert.deepEqual(registry.seen, []);
    assert.deepEqual(names(), { [`${registry.host}/app:1`]: IMAGE.manifest.digest });
  });

  it('that have nothing, fail, or lie cost nothing but a warning', async () => {
    for (const handler of [() => false, answering(500), answering(401)]) {
      mirror.handler = handler;
      const warnings: string[] = [];
      for (const digest of store.digests()) store.remove(digest);
      await pull('app:1', { warn: (message) => warnings.push(message) });
      assert.match(warnings.join('\n'), new RegExp(`A mirror does not help.*${mirror.host}`));
    }
  });

  it('that lose a blob, or break off in the midst of it, are relieved by the registry', async () => {
    mirror.addImage('app', '1', IMAGE);
    mirror.handler = (request, response) => {
      if (!request.url?.includes(LAYER.digest)) return false;
      response
        .writeHead(200, { 'content-length': LAYER.size })
        .write(LAYER.data.subarray(0, 1000), () => response.destroy());
      return true;
    };
    await pull('app:1', { warn: () => {} });
    assert.ok(store.has(LAYER));
    assert.match(String(registry.seen.find(({ url }) => url.includes(LAYER.digest))?.headers.range), /^bytes=[1-9]/);
  });

  it('that have other bytes than the image are asked no more', async () => {
    mirror.addImage('app', '1', IMAGE);
    mirror.handler = (request, response) =>
      request.url?.includes(LAYER.digest) === true && respond(200, {}, Buffer.alloc(LAYER.size, 'lie'))(response);
    const warnings: string[] = [];
    await pull('app:1', { warn: (message) => warnings.push(message) });
    assert.ok(store.has(LAYER));
    assert.match(warnings.join(), /other bytes/);
  });

  it('learn no credentials of the registry', async () => {
    env['DOCKER_CONFIG'] = state;
    writeFileSync(join(state, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth: 'YW5uOnB3' } } }));
    const challenge = { 'www-authenticate': 'Basic realm="x"' };
    mirror.handler = answering(401, challenge);
    registry.handler = (request, response) =>
      request.headers.authorization === undefined && respond(401, challenge)(response);
    await pull('app:1', { warn: () => {} });
    assert.ok(mirror.seen.every(({ headers }) => headers.authorization === undefined));
    assert.ok(registry.seen.some(({ headers }) => headers.authorization === 'Basic YW5uOnB3'));
  });
});
