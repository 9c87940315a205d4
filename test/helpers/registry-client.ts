import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { RegistryClient } from '../../src/image/registry/client.ts';
import { Connections } from '../../src/image/registry/connections.ts';
import type { Credentials } from '../../src/image/registry/credentials.ts';
import { Registries } from '../../src/image/registry/registries.ts';
import { DEFAULT_TIMING } from '../../src/image/registry/retry.ts';
import { HttpRegistry, testImage } from './http-registry.ts';

export const { signal } = new AbortController();
export const TIMING = { ...DEFAULT_TIMING, backOffMs: 1, mostBackOffMs: 2, silenceMs: 1000 };
/** An image with one layer of 300,000 bytes, in the repository "app" of `registry`. */
export const IMAGE = testImage([Buffer.alloc(300_000, 'layer')]);
export const [LAYER = IMAGE.config] = IMAGE.layers;
export const SECRET = 'hunter2';
/** Credentials with a secret that no message may have. */
export const ANN: Credentials = { type: 'password', username: 'ann', password: SECRET };

export let registry: HttpRegistry;
export let other: HttpRegistry;
export let connections: Connections;
/** Two registries for each test of a file, the second for what the first sends us to. */
export function setUpRegistries(): void {
  beforeEach(async () => {
    [registry, other] = await Promise.all([HttpRegistry.start(), HttpRegistry.start()]);
    registry.addImage('app', '1', IMAGE);
    connections = new Connections(new Registries({ env: {}, certsDirectory: '/nonexistent' }), TIMING);
  });
  afterEach(async () => {
    await connections.close();
    await Promise.all([registry.close(), other.close()]);
  });
}

export function client(credentials?: Credentials, host = registry.host, over = connections): RegistryClient {
  const endpoint = over.registries.endpoint(host);
  return new RegistryClient({
    connections: over,
    endpoint,
    repository: 'app',
    signal,
    credentials: async () => credentials,
  });
}

export async function bytes(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What is thrown has this code, says this, and never the password. */
export async function fails(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, code, error.message);
    const text = `${error.message}\n${error.hint ?? ''}`;
    assert.match(text, message);
    assert.ok(!text.includes(SECRET) && !text.includes(Buffer.from(`ann:${SECRET}`).toString('base64')), text);
    return true;
  });
}
