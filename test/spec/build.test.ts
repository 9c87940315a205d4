import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Build } from '../../src/model/build.ts';
import type { LoadRequest } from '../../src/spec/load.ts';
import { loadText } from './load-text.ts';

/** The build of the service `a`: YAML of the value of `build`. */
function build(value: string, rest = '', request: Partial<LoadRequest> = {}): Build {
  const found = loadText(`services:\n  a:\n    build: ${value}\n${rest}`, request).stack.services['a']?.build;
  assert.ok(found !== undefined);
  return found;
}

test('a folder alone leaves everything else to defaults', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(build('./app'))), {
    context: '/project/app',
    args: {},
    contexts: {},
    labels: {},
    tags: [],
    cacheFrom: [],
    cacheTo: [],
    noCache: false,
    pull: false,
    network: 'default',
    extraHosts: [],
    ulimits: {},
    privileged: false,
    entitlements: [],
    platforms: [],
    secrets: [],
    ssh: {},
    place: '<stdin>:3:5',
  });
  assert.equal(build('{target: x}').context, '/project');
});

test('a Dockerfile is found from the context; a remote one keeps its place', () => {
  assert.equal(build('{context: app, dockerfile: docker/web}').dockerfile, '/project/app/docker/web');
  assert.equal(build('{context: app, dockerfile: ../web}').dockerfile, '/project/web');
  assert.equal(build('{context: app, dockerfile: /etc/web}').dockerfile, '/etc/web');
  assert.equal(build('{context: app, dockerfile: Dockerfile}').dockerfile, undefined);
  const remote = build('{context: "https://example.com/app.git#main:sub", dockerfile: web}');
  assert.deepEqual([remote.context, remote.dockerfile], ['https://example.com/app.git#main:sub', 'web']);
  const inline = build('{context: app, dockerfile_inline: "FROM scratch"}');
  assert.deepEqual([inline.dockerfile, inline.dockerfileInline], [undefined, 'FROM scratch']);
});

test("arguments: both syntaxes; a bare one is the caller's, and absent when he has none", () => {
  const env = { MINE: 'yes' };
  const expected = { A: '1', MINE: 'yes', EMPTY: '', YES: 'true' };
  assert.deepEqual({ ...build('{args: [A=1, MINE, GONE, EMPTY=, YES=true]}', '', { env }).args }, expected);
  assert.deepEqual({ ...build('{args: {A: 1, MINE: , GONE: , EMPTY: "", YES: true}}', '', { env }).args }, expected);
});

test('further contexts of every kind, as a list and as a mapping', () => {
  const expected = {
    assets: { type: 'directory', path: '/project/assets' },
    base: { type: 'image', reference: 'alpine:3@sha256:abc' },
    layout: { type: 'oci', path: '/srv/layout', tag: 'v1' },
    pinned: { type: 'oci', path: '/project/layout', tag: 'sha256:abc' },
    plain: { type: 'oci', path: '/project/lay:out/x' },
    other: { type: 'service', service: 'b' },
    source: { type: 'url', url: 'https://example.com/x.tar.gz' },
    ssh: { type: 'url', url: 'git@example.com:a/b.git' },
  };
  const written = {
    assets: './assets',
    base: 'docker-image://alpine:3@sha256:abc',
    layout: 'oci-layout:///srv/layout:v1',
    pinned: 'oci-layout://layout@sha256:abc',
    plain: 'oci-layout://lay:out/x',
    other: 'service:b',
    source: 'https://example.com/x.tar.gz',
    ssh: 'git@example.com:a/b.git',
  };
  const rest = '  b: {build: .}';
  assert.deepEqual({ ...build(JSON.stringify({ additional_contexts: written }), rest).contexts }, expected);
  const list = Object.entries(written).map(([name, value]) => `${name}=${value}`);
  assert.deepEqual({ ...build(JSON.stringify({ additional_contexts: list }), rest).contexts }, expected);
});

test('secrets: the target is the id that a step asks by; the stack has what they are made of', () => {
  const rest = 'secrets: {token: {environment: TOKEN}, key: {file: ./key}, unused: {file: ./x}}';
  const { stack } = loadText(
    `services: {a: {build: {context: ., secrets: [token, {source: key, target: ssh}]}}}\n${rest}`,
    { env: { TOKEN: 't' } },
  );
  assert.deepEqual(stack.services['a']?.build?.secrets, [
    { source: 'token', id: 'token' },
    { source: 'key', id: 'ssh' },
  ]);
  assert.deepEqual(Object.keys(stack.secrets ?? {}), ['key', 'token']);
  // A container has none of them.
  assert.equal(stack.services['a']?.files, undefined);
});

test("keys of ssh: an id alone means the caller's agent", () => {
  const env = { SSH_AUTH_SOCK: '/run/agent' };
  const expected = { default: '/run/agent', mine: '/project/id' };
  assert.deepEqual({ ...build('{ssh: [default, mine=./id]}', '', { env }).ssh }, expected);
  assert.deepEqual({ ...build('{ssh: {default: , mine: ./id}}', '', { env }).ssh }, expected);
  assert.deepEqual({ ...build('{ssh: [default]}').ssh }, { default: '' });
});

test('surroundings of the steps, names, labels and sources of cached steps', () => {
  const found = build(
    `
      labels: [a=b, c]
      tags: [x/y:1, z]
      cache_from: [x/y]
      no_cache: true
      pull: true
      target: prod
      network: none
      shm_size: 1m
      privileged: true
      entitlements: [security.insecure]
      platforms: [linux/amd64, linux/arm64]
      extra_hosts: {one: 10.0.0.1, two: ["10.0.0.2", "[::1]"]}
      ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}, core: 0}`,
  );
  const { labels, ulimits, ...rest } = found;
  assert.deepEqual({ ...labels }, { a: 'b', c: '' });
  assert.deepEqual(
    { ...ulimits },
    { nofile: { soft: 5, hard: 5 }, nproc: { soft: 1, hard: 2 }, core: { soft: 0, hard: 0 } },
  );
  const { tags, cacheFrom, noCache, pull, target, network, shmSizeBytes, privileged, entitlements, platforms } = rest;
  assert.deepEqual(
    [tags, cacheFrom, noCache, pull, target, network, shmSizeBytes, privileged, entitlements, platforms],
    [
      ['x/y:1', 'z'],
      ['x/y'],
      true,
      true,
      'prod',
      'none',
      1024 * 1024,
      true,
      ['security.insecure'],
      ['linux/amd64', 'linux/arm64'],
    ],
  );
  assert.deepEqual(rest.extraHosts, [
    { host: 'one', address: '10.0.0.1' },
    { host: 'two', address: '10.0.0.2' },
    { host: 'two', address: '::1' },
  ]);
  assert.equal(build('{network: front}').network, 'default');
});

test('what is built without an image is named after stack and service', () => {
  const source = (body: string) => loadText(`services: {a: ${body}}`).stack.services['a']?.source;
  assert.deepEqual(source('{build: .}'), { type: 'reference', reference: 'demo-a' });
  const platform = 'linux/arm64';
  assert.deepEqual(source(`{build: ., platform: ${platform}}`), { type: 'reference', reference: 'demo-a', platform });
  assert.deepEqual(source('{build: ., image: "x:1"}'), { type: 'reference', reference: 'x:1' });
  assert.deepEqual(source('{build: ., x-rootfs: /r}'), { type: 'rootfs', path: '/r' });
});

test("services that only another's build needs are there for it, also through each other and out of a profile", () => {
  const text = `services:
  app: {build: {context: ., additional_contexts: {base: "service:base"}}}
  base: {profiles: [never], build: {context: base, secrets: [s], additional_contexts: {root: "service:root"}}}
  root: {profiles: [never], image: alpine}
  loop: {build: {context: ., additional_contexts: {me: "service:loop"}}}
  rest: {image: x}
secrets: {s: {file: /s}}
`;
  const { stack } = loadText(text, { services: ['app'] });
  assert.deepEqual(Object.keys(stack.services), ['app']);
  assert.deepEqual(Object.keys(stack.buildSources ?? {}).sort(), ['base', 'root']);
  assert.equal(stack.buildSources?.['base']?.build?.context, '/project/base');
  assert.deepEqual(stack.buildSources?.['root'], { name: 'root', source: { type: 'reference', reference: 'alpine' } });
  assert.deepEqual(Object.keys(stack.secrets ?? {}), ['s']);
  assert.equal(loadText(text, { services: ['rest'] }).stack.buildSources, undefined);
});
