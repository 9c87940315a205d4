import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ImageTree } from '../../src/build/context/image-tree.ts';
import { type BuildOptions, type BuiltImage, buildImages } from '../../src/engine/build/build-images.ts';
import { Engine } from '../../src/engine/engine.ts';
import { RealHost } from '../../src/host/real-host.ts';
import { loadImages } from '../../src/image/content/load.ts';
import { findStored } from '../../src/image/content/stored-image.ts';
import { unpackOpened } from '../../src/image/unpack-image.ts';
import { unpackedLayers } from '../../src/image/unpacked.ts';
import type { Build } from '../../src/model/build.ts';
import type { ProgressEvent } from '../../src/model/event.ts';
import { Database } from '../../src/store/database.ts';
import type { Paths } from '../../src/store/paths.ts';
import { Records } from '../../src/store/records.ts';
import { tarOf, writeLayout } from './image-builder.ts';

/** Files by path: text, or text with a mode. */
export type Files = Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>;

/** An engine of its own on this machine, that really runs what is built. Needs root. */
export interface BuildEngine {
  readonly engine: Engine;
  /** A directory for contexts. */
  readonly directory: string;
  readonly events: ProgressEvent[];
  write(files: Files): void;
  /** Builds `dockerfile` (a text; absent: what `build` says) over the context. The image is called `built`. */
  build(
    dockerfile: string | undefined,
    build?: Partial<Build>,
    options?: Partial<BuildOptions & { readonly name: string; readonly signal: AbortSignal }>,
  ): Promise<BuiltImage>;
  /** What is in the root filesystem of an image: path → text of a file, or its type. */
  tree(image: string): Promise<ImageTree>;
  text(image: string, path: string): Promise<string | undefined>;
  config(image: string): Record<string, unknown>;
  /** Texts of the steps that have ended so, since the last call. */
  steps(state: 'done' | 'cached' | 'failed'): readonly string[];
  output(): string;
}

const NO_OPTIONS: BuildOptions = { noCache: false, pull: false, args: {}, ssh: {}, keepFailed: false, env: {} };

/** busybox, called `base`, is in the store. */
export async function withBuildEngine(body: (test: BuildEngine) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'build-'));
  const paths: Paths = { state: `${directory}/state`, run: `${directory}/run` };
  mkdirSync(`${paths.state}/exits`, { recursive: true });
  mkdirSync(paths.run);
  const records = new Records(Database.open(':memory:').database);
  const engine = await Engine.start(new RealHost(), paths, records);
  const signal = new AbortController().signal;
  const context = `${directory}/context`;
  mkdirSync(context);
  const events: ProgressEvent[] = [];
  try {
    await loadImages(
      engine.images.content,
      { path: await baseImage(directory), directory: true },
      { signal, progress: () => undefined },
    );
    await body({
      engine,
      directory: context,
      events,
      write: (files) => {
        for (const [path, content] of Object.entries(files)) {
          const { text, mode } = typeof content === 'string' ? { text: content, mode: 0o644 } : content;
          mkdirSync(dirname(`${context}/${path}`), { recursive: true });
          writeFileSync(`${context}/${path}`, text, { mode });
        }
      },
      build: async (dockerfile, build = {}, { name = 'built', ...options } = {}) => {
        events.length = 0;
        const wanted = {
          service: 'web',
          names: [name],
          build: { ...buildOf(context), ...(dockerfile !== undefined && { dockerfileInline: dockerfile }), ...build },
        };
        const stack = { ...EMPTY_STACK, secrets: SECRETS };
        const reporting = {
          signal: options.signal ?? signal,
          progress: (event: ProgressEvent) => void events.push(event),
        };
        const [image] = await buildImages(
          engine,
          { stack, builds: [wanted] },
          { ...NO_OPTIONS, ...options },
          reporting,
        );
        assert.ok(image);
        return image;
      },
      tree: (image) => treeOf(engine, image, signal),
      text: async (image, path) => {
        const tree = await treeOf(engine, image, signal);
        const entry = tree.entry(path);
        if (entry?.type !== 'file') return entry === undefined ? undefined : entry.type;
        const chunks: Buffer[] = [];
        for await (const chunk of tree.read(entry)) chunks.push(chunk);
        return Buffer.concat(chunks).toString();
      },
      config: (image) => {
        const { content } = engine.images;
        const { id } = findStored(content, image);
        return JSON.parse(content.document({ digest: id }).toString()) as Record<string, unknown>;
      },
      steps: (state) =>
        events.flatMap((event) => (event.type === 'build-step' && event.state === state ? [event.text] : [])),
      output: () => events.flatMap((event) => (event.type === 'build-output' ? [event.text] : [])).join(''),
    });
  } finally {
    engine.close();
    rmSync(directory, { recursive: true });
  }
}

async function treeOf(engine: Engine, name: string, signal: AbortSignal): Promise<ImageTree> {
  const image = findStored(engine.images.content, name);
  await unpackOpened(engine.machine, image, signal);
  return new ImageTree([...(unpackedLayers(engine.machine.paths, image.id) ?? [])].reverse());
}

const SECRETS = { token: { type: 'content', content: 'hush\n', place: 'test' } } as const;

const EMPTY_STACK = {
  name: 'probe',
  projectDirectory: '/',
  files: [],
  services: {},
  networks: {},
  volumes: {},
  disabledServices: [],
};

function buildOf(context: string): Build {
  return {
    context,
    args: {},
    contexts: {},
    labels: {},
    tags: [],
    cacheFrom: [],
    cacheTo: [],
    noCache: false,
    pull: false,
    network: 'none',
    extraHosts: [],
    ulimits: {},
    privileged: false,
    entitlements: [],
    platforms: [],
    secrets: [{ source: 'token', id: 'token' }],
    ssh: {},
    place: 'test',
  };
}

const APPLETS = [
  'test',
  'sh',
  'cat',
  'echo',
  'ls',
  'mkdir',
  'touch',
  'rm',
  'chmod',
  'id',
  'cp',
  'sleep',
  'stat',
  'env',
  'ln',
  'mount',
  'sync',
];

async function baseImage(directory: string): Promise<string> {
  const root = `${directory}/busybox`;
  cpSync('/bin/busybox', root);
  const { readFileSync } = await import('node:fs');
  const layer = await tarOf([
    { name: 'bin/', mode: 0o755 },
    { name: 'bin/busybox', text: readFileSync(root), mode: 0o755 },
    ...APPLETS.map((name) => ({ name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' })),
    { name: 'etc/', mode: 0o755 },
    { name: 'etc/passwd', text: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n' },
    { name: 'etc/group', text: 'root:x:0:\napp:x:1001:\nstaff:x:50:\n' },
    { name: 'tmp/', mode: 0o1777 },
  ]);
  return writeLayout(`${directory}/layout`, [{ tag: 'base:latest', layers: [layer], config: { Env: ['PATH=/bin'] } }]);
}
