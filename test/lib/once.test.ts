import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once } from '../../src/lib/once.ts';

test('once() asks each question once, also one whose answer is undefined', () => {
  const asked: string[] = [];
  const answer = once((key) => {
    asked.push(key);
    return key === 'none' ? undefined : key.length;
  });
  assert.deepEqual(
    ['four', 'none', 'four', 'none', 'three'].map((key) => answer(key)),
    [4, undefined, 4, undefined, 5],
  );
  assert.deepEqual(asked, ['four', 'none', 'three']);
});
