import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFailures } from '../../src/host/ip-batch.ts';

test('parseFailures() gives each failed line the messages before it', () => {
  const stderr = 'RTNETLINK answers: File exists\nCommand failed -:2\nCannot find device "x"\nCommand failed -:5\n';
  assert.deepEqual(
    [...parseFailures(stderr)],
    [
      [2, 'RTNETLINK answers: File exists'],
      [5, 'Cannot find device "x"'],
    ],
  );
});

test('parseFailures() finds no failure in mere warnings', () => {
  assert.equal(parseFailures('Warning: something\n').size, 0);
});
