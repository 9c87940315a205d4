import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkWishes, jobsOf, orphanWishes, unattachedServices } from '../../src/engine/up-request.ts';
import { type LoadResult, loadStack } from '../../src/spec/load.ts';

function load(text: string, env: Readonly<Record<string, string>> = {}, dotenv = ''): LoadResult {
  const cwd = mkdtempSync(join(tmpdir(), 'tsstack-up-'));
  try {
    writeFileSync(join(cwd, 'stack.yaml'), text);
    writeFileSync(join(cwd, '.env'), dotenv);
    const loaded = loadStack({ files: ['stack.yaml'], cwd, env, envFiles: [], profiles: [], services: [] });
    // Made when it is first asked for.
    void loaded.stack;
    return loaded;
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

const STACK = `services:
  web:
    image: nginx
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate:
    command: "true"
    attach: false
`;
const NONE = { follow: [], removeOrphans: false };

test('checkWishes() names services that are to be followed and are not there', () => {
  const loaded = load(STACK);
  checkWishes(loaded.stack, loaded, NONE);
  const refused = () => checkWishes(loaded.stack, loaded, { ...NONE, follow: ['web', 'gone'] });
  assert.throws(refused, { code: 'usage', message: /"gone"/ });
});

test('orphans: COMPOSE_REMOVE_ORPHANS and COMPOSE_IGNORE_ORPHANS count, also out of .env', () => {
  const wishes = (dotenv: string, asked = false) => orphanWishes(load(STACK, {}, dotenv), asked);
  assert.deepEqual(wishes(''), { removeOrphans: false, ignoreOrphans: false });
  assert.deepEqual(wishes('COMPOSE_REMOVE_ORPHANS=true'), { removeOrphans: true, ignoreOrphans: false });
  assert.deepEqual(wishes('COMPOSE_REMOVE_ORPHANS=0', true), { removeOrphans: true, ignoreOrphans: false });
  assert.deepEqual(wishes('COMPOSE_IGNORE_ORPHANS=1'), { removeOrphans: false, ignoreOrphans: true });
  const loaded = load(STACK, { COMPOSE_IGNORE_ORPHANS: '1' });
  assert.throws(() => checkWishes(loaded.stack, loaded, { ...NONE, removeOrphans: true }), { code: 'usage' });
});

test('services that are not shown, and those that others wait for', () => {
  const loaded = load(STACK);
  assert.deepEqual([unattachedServices(loaded), jobsOf(loaded.stack)], [['migrate'], ['migrate']]);
});
