import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from '../../src/cli/detach-keys.ts';

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('latin1');

test('parseDetachKeys() reads characters and control keys, and refuses anything else', () => {
  assert.deepEqual([...parseDetachKeys(DEFAULT_DETACH_KEYS)], [16, 17]);
  assert.deepEqual([...parseDetachKeys('a,ctrl-@,ctrl-],ctrl-Z')], [97, 0, 29, 26]);
  assert.deepEqual([...parseDetachKeys('')], []);
  for (const wrong of ['ctrl-', 'ab', 'ctrl-1', 'a,']) assert.throws(() => parseDetachKeys(wrong), /is no key/);
});

test('the keys are found across reads; what only began as they do goes on', () => {
  const keys = new DetachKeys(parseDetachKeys(DEFAULT_DETACH_KEYS));
  assert.equal(text(keys.pass(Buffer.from('ls\x10'))), 'ls');
  assert.equal(text(keys.pass(Buffer.from('x'))), '\x10x');
  assert.equal(text(keys.pass(Buffer.from('\x10\x10'))), '\x10');
  assert.equal(keys.pass(Buffer.from('\x11')), undefined);
});
