import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ContentStore } from '../../../src/image/content/content-store.ts';
import { parseReference } from '../../../src/image/content/reference.ts';
import { pullImage } from '../../../src/image/registry/pull.ts';
import { pushImage } from '../../../src/image/registry/push.ts';
import {
  type DockerRegistry,
  makeCertificates,
  missingProgram,
  startDockerRegistry,
} from '../../helpers/docker-registry.ts';
import { ForwardProxy } from '../../helpers/forward-proxy.ts';
import { fill, randomImage } from '../../helpers/stored-image.ts';

const SECRET = 'hunter2';
const AUTHORIZATION = `Basic ${Buffer.from(`ann:${SECRET}`).toString('base64')}`;
const HOST = 'registry.test';

describe('a registry behind a proxy', { skip: missingProgram('docker-registry', 'openssl') }, () => {
  let scratch = '';
  let registry: DockerRegistry;
  let proxy: ForwardProxy | undefined;
  let env: Record<string, string> = {};
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'tsstack-proxy-'));
    env = {};
  });
  afterEach(async () => {
    await proxy?.stop();
    await registry.stop();
    rmSync(scratch, { recursive: true });
  });

  const open = (name: string): ContentStore =>
    new ContentStore({ state: join(scratch, name), run: join(scratch, 'run') });
  const options = () => ({
    env,
    signal: new AbortController().signal,
    timing: { backOffMs: 1, mostBackOffMs: 2 },
    certsDirectory: join(scratch, 'none'),
  });
  const reference = parseReference(`${HOST}/team/app:1`);
  const settings = (text: string): void => {
    env['TSSTACK_REGISTRIES'] = join(scratch, 'registries.yaml');
    writeFileSync(env['TSSTACK_REGISTRIES'], text);
  };

  /** Pushes and pulls; gives what the proxy was asked for. */
  async function thereAndBack(): Promise<readonly string[]> {
    const image = await randomImage(100_000, 3_000_000);
    const store = open('one');
    await fill(store, `${HOST}/team/app:1`, image);
    await pushImage(store, reference, reference, options());
    const other = open('two');
    assert.equal((await pullImage(other, reference, options())).imageId, image.config.digest);
    return proxy?.asked ?? [];
  }

  async function refused(message: RegExp): Promise<void> {
    await assert.rejects(pullImage(open('two'), reference, options()), (error: Error & { hint?: string }) => {
      assert.match(`${error.message}\n${error.hint}`, message);
      assert.ok(!`${error.message}${error.hint}${error.stack}`.includes(SECRET));
      return true;
    });
  }

  it('by TLS: through a tunnel, whose end shows its own certificate, and in which nobody reads along', async () => {
    const { ca, cert, key } = makeCertificates(join(scratch, 'pki'));
    registry = await startDockerRegistry(join(scratch, 'registry'), { tls: { cert, key } });
    proxy = await ForwardProxy.start({ hosts: { [`${HOST}:443`]: registry.host }, authorization: AUTHORIZATION });
    settings(`registries: {${HOST}: {ca: ${ca}}}\n`);
    env['HTTPS_PROXY'] = `http://ann:${SECRET}@${proxy.host}`;
    assert.deepEqual([...new Set(await thereAndBack())], [`CONNECT ${HOST}:443`]);

    // Another certificate than it must have is refused, in the tunnel as without.
    settings(`registries: {${HOST}: {}}\n`);
    await refused(/through the proxy http:\/\/127\.0\.0\.1:[0-9]+\): its certificate is signed by an authority/);
    settings(`registries: {${HOST}: {ca: ${ca}}}\n`);
    env['HTTPS_PROXY'] = `http://ann:${SECRET}x@${proxy.host}`;
    await refused(/the proxy wants to know who you are[\s\S]*USER:PASSWORD/);
    env['NO_PROXY'] = HOST;
    const count = proxy.asked.length;
    await refused(/ENOTFOUND|EAI_AGAIN/);
    assert.equal(proxy.asked.length, count);
  });

  it('by plain HTTP: what is asked is passed on', async () => {
    registry = await startDockerRegistry(join(scratch, 'registry'));
    proxy = await ForwardProxy.start({ hosts: { [`${HOST}:80`]: registry.host }, authorization: AUTHORIZATION });
    settings(`registries: {${HOST}: {http: true}}\n`);
    env['http_proxy'] = `ann:${SECRET}@${proxy.host}`;
    const asked = await thereAndBack();
    assert.ok(asked.includes(`GET http://${HOST}/v2/team/app/manifests/1`), asked.join('\n'));
    env['http_proxy'] = proxy.host;
    await refused(/the proxy wants to know who you are/);
  });

  it('what the proxy refuses, and one that is not there, is said as such', async () => {
    registry = await startDockerRegistry(join(scratch, 'registry'));
    proxy = await ForwardProxy.start({ hosts: {}, refuse: 403 });
    env['HTTPS_PROXY'] = `http://${proxy.host}`;
    await refused(/the proxy does not let us through \(403\)/);
    await proxy.stop();
    await refused(/through the proxy http:.*: nothing listens there/);
    proxy = await ForwardProxy.start({ hosts: {} });
    env['HTTPS_PROXY'] = `http://${proxy.host}`;
    await refused(/the proxy does not let us through \(502\)/);
    assert.equal(proxy.asked.length, 5);
  });
});
