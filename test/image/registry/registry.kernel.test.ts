import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { ContentStore } from '../../../src/image/content/content-store.ts';
import { parseReference } from '../../../src/image/content/reference.ts';
import { RegistryClient } from '../../../src/image/registry/client.ts';
import { storeCredentials } from '../../../src/image/registry/credentials.ts';
import { type PullOptions, pullImage } from '../../../src/image/registry/pull.ts';
import { pushImage } from '../../../src/image/registry/push.ts';
import { type TransferEvent, withConnections } from '../../../src/image/registry/transfer.ts';
import {
  type DockerRegistry,
  type DockerRegistryOptions,
  makeCertificates,
  missingProgram,
  startDockerRegistry,
  startProxy,
} from '../../helpers/docker-registry.ts';
import { HttpRegistry, type TestImage, testImage, testIndex } from '../../helpers/http-registry.ts';
import { run, until } from '../../helpers/run.ts';
import { fill, put, randomImage } from '../../helpers/stored-image.ts';

const { signal } = new AbortController();
const skip = missingProgram('docker-registry');

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tsstack-registry-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

function open(name: string): ContentStore {
  const state = join(scratch, name);
  return new ContentStore({ state, run: join(state, 'run') });
}

const OPTIONS = { env: {}, signal, timing: { backOffMs: 10 } };

function options(changes: Partial<PullOptions> = {}): PullOptions {
  return { ...OPTIONS, certsDirectory: join(scratch, 'certs.d'), ...changes };
}

const pull = (store: ContentStore, name: string, changes?: Partial<PullOptions>) =>
  pullImage(store, parseReference(name), options(changes));
const push = (store: ContentStore, source: string, target: string, changes?: Partial<PullOptions>) =>
  pushImage(store, parseReference(source), parseReference(target), options(changes));

async function skopeo(...argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(['skopeo', ...argv]);
  assert.equal(status, 0, stderr);
  return stdout;
}

describe('a registry without passwords', { skip }, () => {
  let registry: DockerRegistry;
  before(async () => {
    registry = await startDockerRegistry(mkdtempSync(join(tmpdir(), 'tsstack-docker-registry-')));
  });
  after(() => registry.stop());

  it('gives back what was pushed, to us and to skopeo, which reads our store too', {
    skip: missingProgram('skopeo'),
  }, async () => {
    const store = open('one');
    const image = await randomImage(100_000, 0, 3_000_000);
    await fill(store, 'docker.io/library/app:1', image);
    const target = `${registry.host}/team/app:1`;
    const { digest, uploadedBytes } = await push(store, 'app:1', target);
    assert.equal(digest, image.manifest.digest);
    assert.equal(
      uploadedBytes,
      [image.config, ...image.layers].reduce((sum, { size }) => sum + size, 0),
    );
    assert.deepEqual(await push(store, 'app:1', target), { digest, uploadedBytes: 0 });

    const seen = JSON.parse(await skopeo('inspect', '--tls-verify=false', `docker://${target}`));
    assert.equal(seen.Digest, digest);
    assert.deepEqual(
      seen.Layers,
      image.layers.map((layer) => layer.digest),
    );

    const other = open('two');
    assert.equal((await pull(other, target)).imageId, image.config.digest);
    const directory = join(scratch, 'two/images/content');
    await skopeo('copy', `oci:${directory}:${target}`, `dir:${scratch}/copied`);
    await skopeo(
      'copy',
      '--dest-tls-verify=false',
      `oci:${directory}:${target}`,
      `docker://${registry.host}/by/skopeo:1`,
    );
    // It packs the layers, and the image stays the same.
    assert.equal((await pull(open('three'), `${registry.host}/by/skopeo:1`)).imageId, image.config.digest);
    for (const { digest: blob, size } of image.layers)
      assert.equal(statSync(`${scratch}/copied/${blob.slice(7)}`).size, size);
  });

  it('takes of an index what is here, and mounts what another repository has', async () => {
    const [here, there] = [
      await randomImage(1000),
      testImage([Buffer.from('there')], { os: 'linux', architecture: 's390x' }),
    ];
    const store = open('one');
    await fill(store, 'docker.io/library/unused:1', here);
    const platform = { os: 'linux', architecture: 'arm64' };
    const index = testIndex([
      { image: there, platform: { os: 'linux', architecture: 's390x' } },
      { image: here, platform },
    ]);
    await put(store, index);
    store.index.set('docker.io/library/app:1', { ...index });
    const base = `${registry.host}/base/app:1`;
    const { digest, uploadedBytes } = await push(store, 'app:1', base);
    assert.ok(uploadedBytes > 1000);
    assert.notEqual(digest, index.digest);
    const other = open('two');
    const pulled = await pull(other, base, { platform: 'linux/s390x' }).catch((error: Error) => error.message);
    assert.match(String(pulled), /it is for linux\/arm64, not for linux\/s390x/);

    store.index.set(base, { ...here.manifest });
    const events: TransferEvent[] = [];
    const mounted = await push(store, 'unused:1', `${registry.host}/mounted/app:1`, {
      progress: (event) => events.push(event),
    });
    assert.equal(mounted.uploadedBytes, 0);
    assert.deepEqual([...new Set(events.map(({ state }) => state))].sort(), ['exists', 'waiting']);
    await pull(other, `${registry.host}/mounted/app:1`);
  });

  it('lists its tags; what it has not got is image-missing', async () => {
    const store = open('one');
    await fill(store, 'docker.io/library/app:1', await randomImage(10));
    for (const tag of ['b', 'a']) await push(store, 'app:1', `${registry.host}/tagged:${tag}`);
    const tags = await withConnections(registry.host, options(), async (connections) => {
      const endpoint = connections.registries.endpoint(registry.host);
      const made = new RegistryClient({
        connections,
        endpoint,
        repository: 'tagged',
        signal,
        credentials: async () => undefined,
      });
      await made.ping();
      return made.tags();
    });
    assert.deepEqual([...tags].sort(), ['a', 'b']);
    await assert.rejects(pull(store, `${registry.host}/tagged:c`), {
      code: 'image-missing',
      message: /MANIFEST_UNKNOWN/,
    });
    await assert.rejects(push(store, 'none:1', `${registry.host}/x:1`), { code: 'image-missing' });
    await assert.rejects(push(store, 'app:1', `${registry.host}/x@sha256:${'0'.repeat(64)}`), { code: 'usage' });
  });

  it('connections that break after every 300 kB do not keep an image from coming', async () => {
    const store = open('one');
    const image = await randomImage(2_000_000, 1_000_000);
    await fill(store, 'docker.io/library/app:1', image);
    await push(store, 'app:1', `${registry.host}/broken:1`);
    const proxy = await startProxy(registry.host, { bytes: 300_000 });
    try {
      const other = open('two');
      const { downloadedBytes } = await pull(other, `${proxy.host}/broken:1`);
      assert.equal(downloadedBytes, image.config.size + image.layers.reduce((sum, { size }) => sum + size, 0));
      assert.ok(proxy.count() >= 10 && proxy.count() < 30, `${proxy.count()} connections`);
      assert.ok(image.layers.every((layer) => other.has(layer)));
    } finally {
      await proxy.stop();
    }
  });

  it('a pull that is killed leaves no name, and the next continues with what is there', async () => {
    const store = open('one');
    const image = await randomImage(500_000, 4_000_000);
    await fill(store, 'docker.io/library/app:1', image);
    await push(store, 'app:1', `${registry.host}/killed:1`);
    const proxy = await startProxy(registry.host, { bytes: 2_000_000, hang: true });
    const name = `${proxy.host}/killed:1`;
    try {
      await killedPull(join(scratch, 'two'), name, image);
    } finally {
      await proxy.stop();
    }
    const other = open('two');
    assert.deepEqual([...other.index.names().keys()], []);
    const { downloadedBytes, digest } = await pull(other, `${registry.host}/killed:1`);
    assert.equal(digest, image.manifest.digest);
    const [, large] = image.layers;
    assert.ok(downloadedBytes > 0 && downloadedBytes < (large?.size ?? 0) - 1_000_000, `${downloadedBytes}`);
  });
});

/** Kills it when the small layer is there and some of the large one. */
async function killedPull(state: string, name: string, image: TestImage): Promise<void> {
  const script = resolve(import.meta.dirname, '../../helpers/pull-process.ts');
  const child = spawn(process.execPath, [script, state, name], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((done) => child.once('close', (_status, killer) => done(killer)));
  const [small = image.config, large = image.config] = image.layers;
  const store = new ContentStore({ state, run: `${state}/run` });
  const unfinished = `${state}/images/ingest/${large.digest.replace(':', '-')}`;
  await until('one layer and a part', () => store.has(small) && statSync(unfinished).size > 1_200_000);
  child.kill('SIGKILL');
  assert.equal(await ended, 'SIGKILL');
}

describe('a registry with passwords', { skip }, () => {
  it('takes the right one only, and the file of Docker has it', async () => {
    const registry = await startRegistry({ password: true });
    try {
      const store = open('one');
      await fill(store, 'docker.io/library/app:1', await randomImage(10_000));
      const env = { DOCKER_CONFIG: join(scratch, 'docker') };
      const target = `${registry.host}/private/app:1`;
      await assert.rejects(push(store, 'app:1', target, { env }), {
        code: 'registry-denied',
        hint: /tsstack login 127/,
      });
      const credentials = { type: 'password', username: 'ann', password: 'wrong' } as const;
      await storeCredentials({ registry: registry.host, env, signal }, credentials);
      await assert.rejects(push(store, 'app:1', target, { env }), { code: 'registry-denied', message: /401/ });
      await storeCredentials({ registry: registry.host, env, signal }, { ...credentials, password: 'secret' });
      await push(store, 'app:1', target, { env });
      await assert.rejects(pull(open('two'), target), { code: 'registry-denied' });
      await pull(open('two'), target, { env });
    } finally {
      await registry.stop();
    }
  });
});

describe('a registry with TLS', { skip: skip || missingProgram('openssl') }, () => {
  it('is trusted with its authority’s certificate, by Docker’s directory or our settings', async () => {
    const { ca, ...tls } = makeCertificates(join(scratch, 'pki'));
    const registry = await startRegistry({ tls });
    try {
      const store = open('one');
      await fill(store, 'docker.io/library/app:1', await randomImage(10_000));
      const target = `${registry.host}/app:1`;
      const settings = (text: string) => {
        const path = join(scratch, 'registries.yaml');
        writeFileSync(path, `registries:\n  ${registry.host}: {${text}}\n`);
        return { env: { TSSTACK_REGISTRIES: path } };
      };
      await assert.rejects(push(store, 'app:1', target), { code: 'registry-unreachable', message: /speaks TLS/ });
      const unknown = push(store, 'app:1', target, settings('http: false'));
      await assert.rejects(unknown, {
        code: 'registry-unreachable',
        message: /authority/,
        hint: /certs\.d\/127[^/]*\/ca\.crt/,
      });
      await push(store, 'app:1', target, settings(`ca: ${ca}`));
      const warnings: string[] = [];
      await pull(open('two'), target, { ...settings('verify: false'), warn: (message) => warnings.push(message) });
      assert.match(warnings.join(), /is not checked/);
      mkdirSync(join(scratch, 'certs.d', registry.host), { recursive: true });
      copyFileSync(ca, join(scratch, 'certs.d', registry.host, 'ca.crt'));
      await pull(open('three'), target);
      const byName = target.replace('127.0.0.1', 'localhost');
      const env = settings('').env;
      writeFileSync(env.TSSTACK_REGISTRIES, `registries:\n  ${byName.split('/')[0]}: {ca: ${ca}}\n`);
      await assert.rejects(pull(open('four'), byName, { env }), {
        code: 'registry-unreachable',
        message: /another name/,
      });
    } finally {
      await registry.stop();
    }
  });
});

describe('a registry with TLS that sends us on', { skip: missingProgram('openssl') }, () => {
  it('to plain HTTP is not followed unless somebody has written that it may be', async () => {
    const { ca, cert, key } = makeCertificates(join(scratch, 'pki'));
    const plain = await HttpRegistry.start();
    const image = await randomImage(10);
    plain.addImage('app', '1', image);
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) =>
      response.writeHead(307, { location: `http://${plain.host}${request.url}` }).end(),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const { port } = server.address() as AddressInfo;
      const settings = (http: boolean) => {
        const path = join(scratch, `${http}.yaml`);
        writeFileSync(path, `registries:\n  127.0.0.1:${port}: {ca: ${ca}}\n  ${plain.host}: {http: ${http}}\n`);
        return { env: { TSSTACK_REGISTRIES: path } };
      };
      const name = `127.0.0.1:${port}/app:1`;
      const refused = pull(open('one'), name, settings(false));
      await assert.rejects(refused, { code: 'registry-failed', message: /from HTTPS to plain HTTP/ });
      assert.deepEqual(plain.seen, []);
      await pull(open('two'), name, settings(true));
    } finally {
      server.closeAllConnections();
      server.close();
      await plain.close();
    }
  });
});

function startRegistry(registryOptions: DockerRegistryOptions): Promise<DockerRegistry> {
  return startDockerRegistry(join(scratch, 'registry'), registryOptions);
}
