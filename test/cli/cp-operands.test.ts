import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOperands } from '../../src/cli/cp/operands.ts';

test('a side with a colon is a container, unless it begins as a path of this machine', () => {
  assert.deepEqual(parseOperands(['web:/a:b', '-']), { direction: 'from', service: 'web', inside: '/a:b', local: '-' });
  for (const local of ['a', '/a:b', './a:b', '../a:b']) {
    assert.deepEqual(parseOperands([local, 'web:x']), { direction: 'to', service: 'web', inside: 'x', local });
  }
});

for (const operands of [
  [],
  ['web:/a'],
  ['a', 'b'],
  ['web:/a', 'db:/a'],
  ['web:/a', 'b', 'c'],
  [':/a', 'b'],
  ['web:', 'b'],
  ['web:/a', ''],
]) {
  test(`cp ${operands.map((word) => JSON.stringify(word)).join(' ')} is a mistake of use`, () => {
    assert.throws(() => parseOperands(operands), { code: 'usage' });
  });
}
