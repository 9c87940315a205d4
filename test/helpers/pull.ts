import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { ContentStore } from '../../src/image/content/content-store.ts';
import { parseReference } from '../../src/image/content/reference.ts';
import { type PullOptions, type PullResult, pullImage } from '../../src/image/registry/pull.ts';
import { HttpRegistry, testImage } from './http-registry.ts';

const TIMING = { backOffMs: 1, mostBackOffMs: 2, silenceMs: 1000 };

/** An image of two layers. */
export const IMAGE = testImage([Buffer.alloc(200_000, 'one'), Buffer.alloc(100_000, 'two')]);
export const [LAYER = IMAGE.config] = IMAGE.layers;

/** The state directory, its content store, a registry, and the environment of who pulls. */
export let state = '';
export let store: ContentStore;
export let registry: HttpRegistry;
export let env: Record<string, string> = {};

/** New ones for each test of a file. */
export function setUpPulls(): void {
  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), 'tsstack-pull-'));
    store = new ContentStore({ state, run: join(state, 'run') });
    registry = await HttpRegistry.start();
    env = {};
  });
  afterEach(async () => {
    await registry.close();
    rmSync(state, { recursive: true });
  });
}

/** `name`: without the registry. */
export function pull(name: string, options: Partial<PullOptions> = {}): Promise<PullResult> {
  const { signal } = new AbortController();
  const all = { env, signal, timing: TIMING, certsDirectory: state, ...options };
  return pullImage(store, parseReference(`${registry.host}/${name}`), all);
}

/** Content of registries.yaml. */
export function settings(text: string): void {
  env['TSSTACK_REGISTRIES'] = join(state, 'registries.yaml');
  writeFileSync(env['TSSTACK_REGISTRIES'], text);
}

/** What each name of the store stands for. */
export function names(): Readonly<Record<string, string>> {
  return Object.fromEntries([...store.index.names()].map(([name, { digest }]) => [name, digest]));
}
