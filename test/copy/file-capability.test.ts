import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileCapability } from '../../src/copy/file-capability.ts';

/** CAP_NET_RAW, permitted and effective, as `setcap` writes it. */
const V2 = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const V3 = (user: string): Buffer => Buffer.from(`0100000300200000000000000000000000000000${user}`, 'hex');
const BASE = 0x12340000;

test("a container's capability is version 2 inside, and names its user 0 on the host", () => {
  assert.deepEqual(fileCapability.inside(V3('00003412'), BASE), V2);
  assert.deepEqual(fileCapability.outside(V2, BASE), V3('00003412'));
  assert.deepEqual(fileCapability.inside(V2, 0), V2);
  assert.deepEqual(fileCapability.outside(V2, 0), V2);
});

test('a capability of a user namespace within a container names the same user of it on both sides', () => {
  assert.deepEqual(fileCapability.inside(V3('05003412'), BASE), V3('05000000'));
  assert.deepEqual(fileCapability.outside(V3('05000000'), BASE), V3('05003412'));
  assert.deepEqual(fileCapability.outside(V3('05000000'), 0), V3('05000000'));
});

test('what is no capability stays as it is', () => {
  for (const value of [Buffer.alloc(0), Buffer.from('text'), Buffer.alloc(24)]) {
    assert.deepEqual(fileCapability.inside(value, BASE), value);
    assert.deepEqual(fileCapability.outside(value, BASE), value);
  }
});
