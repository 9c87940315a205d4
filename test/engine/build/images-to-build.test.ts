import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BuildChoice, checkNotBuilt, imagesToBuild } from '../../../src/engine/build/images-to-build.ts';
import { dueImages } from '../../../src/engine/build/provide-images.ts';
import { imagesToPull, type PullWish } from '../../../src/engine/pull.ts';
import { ContentStore } from '../../../src/image/content/content-store.ts';
import { loadImages } from '../../../src/image/content/load.ts';
import type { Stack } from '../../../src/model/stack.ts';
import { withOneOff } from '../../../src/planner/one-off.ts';
import { tarOf, withDirectory, writeLayout } from '../../helpers/image-builder.ts';
import { loadText } from '../../spec/load-text.ts';

interface Machine {
  readonly images: { readonly content: ContentStore };
  readonly machine: { readonly now: () => number };
}

/** A machine whose store has images of these names. */
function withImages(names: readonly string[], body: (machine: Machine) => void): Promise<void> {
  return withDirectory(async (directory) => {
    const content = new ContentStore({ state: `${directory}/state`, run: `${directory}/run` });
    const layers = [await tarOf([{ name: 'file', text: 'text' }])];
    writeLayout(`${directory}/layout`, [{ layers, config: {}, tag: 'any' }]);
    const { signal } = new AbortController();
    await loadImages(content, { path: `${directory}/layout`, directory: true }, { signal, progress: () => undefined });
    const [root] = content.index.roots();
    assert.ok(root !== undefined);
    for (const name of names) content.index.set(`docker.io/library/${name}:latest`, root);
    body({ images: { content }, machine: { now: Date.now } });
  });
}

const stackOf = (services: string, names: readonly string[] = []): Stack =>
  loadText(`services: {${services}}`, { services: names }).stack;

function built(machine: Machine, stack: Stack, choice: Partial<BuildChoice> = {}): readonly string[] {
  return imagesToBuild(machine, stack, { wish: 'missing', ...choice }).map(({ service }) => service);
}

function pulled(
  machine: Machine,
  stack: Stack,
  pull?: PullWish,
  wish: BuildChoice['wish'] = 'missing',
): readonly string[] {
  return imagesToPull(machine, stack, { build: { wish }, ...(pull !== undefined && { pull }) }).map(({ key }) => key);
}

test('what is missing is built, or all, or nothing', () =>
  withImages(['demo-there'], (machine) => {
    const stack = stackOf('gone: {build: .}, there: {build: .}, none: {build: ., scale: 0}, plain: {image: x}');
    assert.deepEqual(built(machine, stack), ['gone']);
    assert.deepEqual(built(machine, stack, { wish: 'always' }), ['gone', 'there']);
    assert.deepEqual(built(machine, stack, { wish: 'never' }), []);
    assert.deepEqual(built(machine, stack, { rebuild: ['there'] }), ['gone', 'there']);
    assert.deepEqual(built(machine, stack, { only: ['there'] }), []);
    assert.deepEqual(built(machine, stack, { wish: 'always', only: ['there'] }), ['there']);
  }));

test('pull_policy build builds what is there; x-rootfs and an image on disk are used as they are', () =>
  withImages(['demo-there'], (machine) => {
    const stack = stackOf(
      'there: {build: ., pull_policy: build}, root: {build: ., x-rootfs: /r}, disk: {build: ., image: "oci:/x"}',
    );
    assert.deepEqual(built(machine, stack), ['there']);
    assert.deepEqual(built(machine, stack, { wish: 'always' }), ['there']);
    assert.deepEqual(built(machine, stack, { wish: 'never' }), []);
  }));

test('an image has the name that is written, then the tags; else that of stack and service', () =>
  withImages([], (machine) => {
    const stack = stackOf(
      'a: {build: {context: ., tags: [x:1, y, x:1]}, platform: linux/arm64}, b: {build: {context: ., tags: [z]}, image: "z:2"}',
    );
    const builds = imagesToBuild(machine, stack, { wish: 'missing' });
    assert.deepEqual(
      builds.map(({ names, platform }) => [names, platform]),
      [
        [['demo-a', 'x:1', 'y'], 'linux/arm64'],
        [['z:2', 'z'], undefined],
      ],
    );
  }));

test('an image that a build takes is built with it when it is missing, wherever its service is', () =>
  withImages(['demo-ready'], (machine) => {
    const text = `
      app: {build: {context: ., additional_contexts: {a: "service:base", b: "service:ready", c: "service:plain"}}},
      base: {profiles: [p], build: {context: ., additional_contexts: {x: "service:root"}}},
      root: {profiles: [p], build: .}, ready: {profiles: [p], build: .}, plain: {profiles: [p], image: "alpine:3"}`;
    const stack = stackOf(text, ['app']);
    assert.deepEqual(built(machine, stack), ['app', 'base', 'root']);
    assert.deepEqual(built(machine, stack, { wish: 'always' }), ['app', 'base', 'ready', 'root']);
    const [app] = imagesToBuild(machine, stack, { wish: 'missing' });
    assert.deepEqual(app?.build.contexts['a'], { type: 'service', service: 'base' });
    assert.deepEqual(app?.build.contexts['c'], { type: 'image', reference: 'alpine:3' });
    const host = stackOf('app: {build: {context: ., additional_contexts: {a: "service:h"}}}, h: {command: x}');
    assert.throws(() => built(machine, host), { code: 'conflict', message: /"app" takes the image of "h"/ });
  }));

test('an image that can be pulled and built is pulled first, and may fail; a name of ours is only built', () =>
  withImages([], (machine) => {
    const stack = stackOf(
      'own: {build: .}, both: {build: ., image: "both:1"}, other: {image: "both:1"}, x: {image: x}',
    );
    const images = imagesToPull(machine, stack);
    assert.deepEqual(
      images.map(({ key, buildable }) => [key, buildable]),
      [
        ['both:1', true],
        ['x', undefined],
      ],
    );
    // Until then nobody knows whether it has to be built.
    const due = dueImages(machine, stack, { build: { wish: 'missing' } });
    assert.deepEqual(
      due.builds.map(({ service }) => service),
      ['own'],
    );
    assert.deepEqual(built(machine, stack), ['both', 'own']);
    const never = imagesToPull(machine, stack, { build: { wish: 'never' } });
    assert.deepEqual(
      never.map(({ key, buildable }) => [key, buildable]),
      [
        ['both:1', undefined],
        ['x', undefined],
      ],
    );
  }));

test('what is built anyway is not pulled, nor is what only a build makes', () =>
  withImages(['demo-own'], (machine) => {
    const stack = stackOf('own: {build: .}, both: {build: ., image: "both:1"}, other: {image: "both:1"}');
    assert.deepEqual(pulled(machine, stack, undefined, 'always'), []);
    assert.deepEqual(pulled(machine, stack, 'always'), ['both:1']);
    const policy = stackOf('both: {build: ., image: "both:1", pull_policy: build}, other: {image: "both:1"}');
    assert.deepEqual(pulled(machine, policy), []);
    const never = stackOf('both: {build: ., image: "both:1", pull_policy: never}');
    assert.deepEqual([pulled(machine, never), built(machine, never)], [[], ['both']]);
  }));

test('without building, an image that is missing is an error that says how', () =>
  withImages(['demo-there'], (machine) => {
    const stack = stackOf('gone: {build: .}, there: {build: .}');
    assert.throws(() => checkNotBuilt(machine, stack, { wish: 'never' }), {
      code: 'image-missing',
      message: /image "demo-gone" of "gone" is not there/,
      hint: 'Leave --no-build out, or run: tsstack build gone',
    });
    checkNotBuilt(machine, stack, { wish: 'never', only: ['there'] });
    checkNotBuilt(machine, stack, { wish: 'missing' });
  }));

test('a one-off has the image of its service, which is built once', () =>
  withImages([], (machine) => {
    const options = {
      service: 'a',
      slug: '0',
      remove: true,
      command: [],
      environment: {},
      labels: {},
      tty: false,
      stdinOpen: false,
      servicePorts: false,
      ports: [],
      mounts: [],
      noDeps: true,
      useAliases: false,
      capAdd: [],
      capDrop: [],
    };
    const stack = withOneOff(stackOf('a: {build: ., depends_on: [b]}, b: {build: .}'), options);
    assert.ok(stack !== undefined);
    assert.deepEqual(built(machine, stack), ['a', 'b']);
    assert.deepEqual(built(machine, stack, { wish: 'always', only: ['a-run-0'] }), ['a']);
    assert.deepEqual(pulled(machine, stack), []);
    const [wanted] = imagesToBuild(machine, stack, { wish: 'missing', only: ['a-run-0'] });
    assert.deepEqual(wanted?.names, ['demo-a']);
  }));
