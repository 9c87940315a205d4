import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Proxies } from '../../../src/image/registry/proxies.ts';

function proxyOf(env: Record<string, string>, origin: string): string | undefined {
  return new Proxies(env).for(new URL(origin))?.origin;
}

describe('proxies of the environment', () => {
  it('HTTPS goes through HTTPS_PROXY, HTTP through HTTP_PROXY, in either case, the capital ones first', () => {
    const env = { HTTPS_PROXY: 'http://secure:1', http_proxy: 'plain:2', https_proxy: 'http://other:3' };
    assert.equal(proxyOf(env, 'https://registry.test'), 'http://secure:1');
    assert.equal(proxyOf(env, 'http://registry.test:5000'), 'http://plain:2');
    assert.equal(proxyOf({ HTTPS_PROXY: '', https_proxy: 'https://low:3' }, 'https://registry.test'), 'https://low:3');
    assert.equal(proxyOf({ HTTP_PROXY: 'plain:2' }, 'https://registry.test'), undefined);
    assert.equal(proxyOf({ ALL_PROXY: 'plain:2' }, 'https://registry.test'), undefined);
  });

  it('this machine is never asked through a proxy', () => {
    const env = { HTTPS_PROXY: 'proxy:1', HTTP_PROXY: 'proxy:1' };
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '[::1]', '[::ffff:127.0.0.1]']) {
      assert.equal(proxyOf(env, `http://${host}:5000`), undefined, host);
      assert.equal(proxyOf(env, `https://${host}`), undefined, host);
    }
    assert.equal(proxyOf(env, 'http://128.0.0.1'), 'http://proxy:1');
  });

  const exceptions: readonly (readonly [noProxy: string, origin: string, direct: boolean])[] = [
    ['*', 'https://registry.test', true],
    ['other.test, *', 'https://registry.test', true],
    ['registry.test', 'https://registry.test', true],
    ['REGISTRY.test', 'https://Registry.TEST', true],
    ['registry.test', 'https://a.b.registry.test', true],
    ['registry.test', 'https://myregistry.test', false],
    ['.registry.test', 'https://a.registry.test', true],
    ['.registry.test', 'https://registry.test', false],
    ['*.registry.test', 'https://a.registry.test', true],
    ['*.registry.test', 'https://registry.test', false],
    ['registry.test:5000', 'https://registry.test:5000', true],
    ['registry.test:5000', 'https://registry.test', false],
    ['registry.test:443', 'https://registry.test', true],
    ['registry.test:80', 'http://registry.test', true],
    ['10.0.0.0/8', 'https://10.1.2.3:5000', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.0.0.0/8', 'https://10.test', false],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['10.1.2.3:5000', 'https://10.1.2.3', false],
    ['0.0.1.3', 'https://10.0.1.3', false],
    ['fd00::/8', 'https://[fd12::1]:5000', true],
    ['fd12::1', 'https://[fd12:0::1]', true],
    ['[fd12::1]:5000', 'https://[fd12::1]:5000', true],
    ['[fd12::1]:5000', 'https://[fd12::1]', false],
    ['10.0.0.0/99,a b', 'https://registry.test', false],
    [' , ,', 'https://registry.test', false],
  ];
  for (const [noProxy, origin, direct] of exceptions) {
    it(`NO_PROXY=${JSON.stringify(noProxy)} ${direct ? 'excepts' : 'does not except'} ${origin}`, () => {
      const env = { HTTPS_PROXY: 'proxy:1', HTTP_PROXY: 'proxy:1' };
      const expected = direct ? undefined : 'http://proxy:1';
      assert.equal(proxyOf({ ...env, NO_PROXY: noProxy }, origin), expected);
      assert.equal(proxyOf({ ...env, no_proxy: noProxy }, origin), expected);
    });
  }

  it('user and password become a header, and are in no message', () => {
    const at = new URL('https://registry.test');
    const proxy = new Proxies({ HTTPS_PROXY: 'http://ann:p%40ss@proxy:1/' }).for(at);
    assert.deepEqual(proxy, {
      origin: 'http://proxy:1',
      authorization: `Basic ${Buffer.from('ann:p@ss').toString('base64')}`,
    });
    for (const value of ['socks5://ann:hunter2@proxy', 'http://ann:hunter2@', 'http://ann:hunter2%@proxy']) {
      assert.throws(
        () => new Proxies({ HTTPS_PROXY: value }).for(at),
        ({ code, message, hint }: Error & { code: string; hint: string }) => {
          assert.equal(code, 'registry-settings');
          assert.match(message, /HTTPS_PROXY/);
          assert.doesNotMatch(`${message}${hint}`, /hunter2/);
          return true;
        },
      );
    }
  });
});
