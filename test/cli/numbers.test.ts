import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countOption, secondsOption, timeOption } from '../../src/cli/numbers.ts';

describe('timeOption()', () => {
  it('takes a point in time or a time before now', () => {
    const now = Date.parse('2026-01-02T12:00:00Z');
    assert.equal(timeOption('since', '2026-01-02T11:00:00Z', now), now - 3_600_000);
    assert.equal(timeOption('since', '1h30m', now), now - 5_400_000);
    assert.equal(timeOption('since', '500ms', now), now - 500);
    assert.equal(timeOption('since', '1767355200.5', now), 1_767_355_200_500);
    assert.equal(timeOption('since', undefined, now), undefined);
    for (const bad of ['yesterday', '', '5 m', '-3s']) {
      assert.throws(() => timeOption('since', bad, now), { code: 'usage' }, bad);
    }
  });
});

describe('countOption()', () => {
  it('takes whole numbers from the least on', () => {
    assert.equal(countOption('tail', '0', 0), 0);
    for (const bad of ['-1', '1.5', 'x', '', '0x3'])
      assert.throws(() => countOption('tail', bad, 0), { code: 'usage' }, bad);
    assert.throws(() => countOption('index', '0', 1), {
      message: 'Option --index needs a whole number from 1, got "0"',
    });
  });
});

describe('secondsOption()', () => {
  it('gives milliseconds', () => {
    assert.deepEqual(
      ['0', '1.5', '10s'].map((text) => secondsOption('timeout', text)),
      [0, 1500, 10_000],
    );
    assert.throws(() => secondsOption('timeout', 'soon'), { code: 'usage' });
  });
});
