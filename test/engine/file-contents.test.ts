import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readContents } from '../../src/engine/file-contents.ts';
import { makeUpPlan } from '../../src/engine/plan.ts';
import { planScript } from '../../src/engine/script.ts';
import type { FileMount, FileSource } from '../../src/model/mounts.ts';
import type { Stack } from '../../src/model/stack.ts';
import { loadStack } from '../../src/spec/load.ts';
import { makeService, makeStack } from '../helpers/stacks.ts';
import { withEngine } from '../helpers/test-engine.ts';

const KEY = Buffer.alloc(32, 1);

/** A service with one file of each source. */
function stackOf(kind: FileMount['kind'], sources: Readonly<Record<string, FileSource>>, replicas = 1): Stack {
  const files = Object.keys(sources).map(
    (source): FileMount => ({ kind, source, target: `/${source}`, uid: 0, gid: 0, mode: 0o444 }),
  );
  return makeStack([makeService('web', { files, replicas })], { [`${kind}s`]: sources });
}

const variable = (value: string): FileSource => ({ type: 'environment', variable: 'V', value, place: 's.yaml:1:1' });

test('equal contents have one hash; that of a secret depends on the key, that of a config does not', () => {
  const hash = (kind: FileMount['kind'], value: string, key = KEY) =>
    readContents(stackOf(kind, { it: variable(value) }), key).contentHash({ kind, source: 'it' });
  for (const kind of ['config', 'secret'] as const) {
    assert.equal(hash(kind, 'x'), hash(kind, 'x'));
    assert.notEqual(hash(kind, 'x'), hash(kind, 'y'));
  }
  const other = Buffer.alloc(32, 2);
  assert.equal(hash('config', 'x'), hash('config', 'x', other));
  assert.notEqual(hash('secret', 'x'), hash('secret', 'x', other));
});

test('what cannot be read is a conflict with the place where it is declared', () => {
  const directory = mkdtempSync(join(tmpdir(), 'contents-'));
  try {
    const place = 'stack.yaml:7:3';
    mkdirSync(join(directory, 'folder'));
    writeFileSync(join(directory, 'large'), '');
    truncateSync(join(directory, 'large'), 4 * 1024 * 1024 + 1);
    const file = (name: string): FileSource => ({ type: 'file', path: join(directory, name), place });
    const sources: Record<string, FileSource> = {
      missing: file('missing'),
      folder: file('folder'),
      large: file('large'),
      unset: { type: 'environment', variable: 'TOKEN', place },
      elsewhere: { type: 'external', name: 'shared', place },
    };
    const said = (replicas: number) =>
      readContents(stackOf('secret', sources, replicas), KEY).conflicts.map(({ address, message }) =>
        `${address}: ${message}`.replaceAll(directory, ''),
      );
    assert.deepEqual(said(2), [
      'service.web[1]: secrets.missing cannot be read: /missing does not exist (stack.yaml:7:3)',
      'service.web[1]: secrets.folder cannot be read: /folder is not a regular file (stack.yaml:7:3)',
      'service.web[1]: secrets.large cannot be read: /large is larger than 4 MiB (stack.yaml:7:3)',
      'service.web[1]: secrets.unset is the variable TOKEN, which is not set (stack.yaml:7:3)',
      'service.web[1]: secrets.elsewhere is external, and there is no store that has it (stack.yaml:7:3)',
    ]);
    assert.deepEqual(said(0), []);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a plan holds no secret, and its script has a gap where one belongs', async () => {
  await withEngine(async ({ engine, directory, load }) => {
    writeFileSync(join(directory, 'token'), 'hush-hush');
    const text = `services:
  web: {command: [sleep, infinity], configs: [app], secrets: [token]}
configs: {app: {content: plain words}}
secrets: {token: {file: ./token}}
`;
    const options = { load: load(text), forceRecreate: false, noDeps: false, removeOrphans: false };
    const plan = await makeUpPlan(engine, loadStack(options.load).stack, options);
    assert.deepEqual(plan.conflicts, []);
    const script = await planScript(engine, plan);
    for (const shown of [JSON.stringify(plan), script]) {
      assert.doesNotMatch(shown, /hush-hush/);
      assert.ok(!shown.includes(Buffer.from('hush-hush').toString('base64')));
    }
    assert.equal(spawnSync('sh', ['-n'], { input: script }).status, 0);
    const gap = `[ -e ${directory}/run-secrets/probe.web.1/1 ] || { echo 'Put the secret "token" into`;
    assert.equal(script.split(gap).length, 2, script);
    assert.equal(script.split("printf %s 'plain words' > ").length, 2, 'written once');
  });
});

test('a plan that lacks a secret says so, and has no steps', async () => {
  await withEngine(async ({ engine, load }) => {
    const text = `services:
  web: {command: [sleep, infinity], secrets: [token]}
secrets: {token: {file: ./missing}}
`;
    const options = { load: load(text), forceRecreate: false, noDeps: false, removeOrphans: false };
    const { conflicts, steps } = await makeUpPlan(engine, loadStack(options.load).stack, options);
    assert.match(
      conflicts.map(({ message }) => message).join(),
      /secrets\.token cannot be read: .*missing does not exist/,
    );
    assert.deepEqual(steps, []);
  });
});
