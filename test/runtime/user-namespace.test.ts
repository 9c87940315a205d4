import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstHostId, ID_COUNT } from '../../src/runtime/user-namespace.ts';

test('firstHostId() gives every stack a whole range of ids that neither subuid, nspawn nor a negative number has', () => {
  fc.assert(
    fc.property(fc.string(), (stack) => {
      const first = firstHostId(stack);
      assert.equal(first % ID_COUNT, 0);
      assert.ok(first > 0x6fffffff && first + ID_COUNT <= 0x7ffe0000);
    }),
  );
});

test('firstHostId() gives a name the same range in every version', () => {
  assert.equal(firstHostId('demo'), 0x71d2_0000);
});
