import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Budget } from '../../src/image/layer/budget.ts';
import { DEFAULT_LIMITS } from '../../src/image/limits.ts';
import { machineLimits } from '../../src/image/limits-file.ts';
import { withDirectory } from '../helpers/image-builder.ts';

const withFile = (text: string, use: (path: string) => void): Promise<void> =>
  withDirectory(async (directory) => {
    writeFileSync(`${directory}/limits.yaml`, text);
    use(`${directory}/limits.yaml`);
  });

describe('machineLimits()', () => {
  it('are the defaults without a file, or with an empty one', async () => {
    assert.deepEqual(machineLimits('/nowhere/limits.yaml'), DEFAULT_LIMITS);
    await withFile('# nothing\n', (path) => assert.deepEqual(machineLimits(path), DEFAULT_LIMITS));
  });

  it('are what the file says, and the defaults else', () =>
    withFile('unpacked: 40g\nentries: 4_000_000\nratio: 1000\n'.replaceAll('_', ''), (path) =>
      assert.deepEqual(machineLimits(path), {
        ...DEFAULT_LIMITS,
        unpackedBytes: 40 * 2 ** 30,
        entries: 4_000_000,
        ratio: 1000,
      }),
    ));

  for (const [text, message] of [
    ['unpackd: 1g\n', /limits\.yaml:1: unknown key "unpackd"$/],
    ['ratio: 1\nentries: 0\n', /limits\.yaml:2: entries is no limit$/],
    ['entries: many\n', /limits\.yaml:1: entries is no limit$/],
    ['- 1\n', /must be a mapping$/],
    ['a: [\n', /limits\.yaml:\d: /],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      withFile(text, (path) => assert.throws(() => machineLimits(path), { code: 'usage', message })));
  }
});

describe('Budget', () => {
  it('says which limit can be raised, and where', () => {
    const budget = new Budget({ ...DEFAULT_LIMITS, entries: 1, devices: 0 });
    budget.entry();
    assert.throws(() => budget.entry(), {
      message: 'the image has more than 1 entries',
      hint: /raise "entries" in \/etc/,
    });
    assert.throws(() => budget.device(), { hint: /raise "devices"/ });
  });
});
