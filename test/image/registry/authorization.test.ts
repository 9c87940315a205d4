import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorBody, json, respond } from '../../helpers/http-registry.ts';
import {
  ANN,
  bytes,
  client,
  fails,
  LAYER,
  other,
  registry,
  SECRET,
  setUpRegistries,
} from '../../helpers/registry-client.ts';

setUpRegistries();

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
