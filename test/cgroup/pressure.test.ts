import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPressure } from '../../src/cgroup/v2/pressure.ts';

test('readPressure() takes the ten-second average of `some`, and nothing where PSI is off', () => {
  const files: Readonly<Record<string, string>> = {
    'cpu.pressure':
      'some avg10=12.50 avg60=1.00 avg300=0.10 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
    'io.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=3.00 avg60=0.00 avg300=0.00 total=0\n',
  };
  assert.deepEqual(
    readPressure((file) => files[file]),
    { pressure: { cpu: 12.5, io: 0 } },
  );
  assert.deepEqual(
    readPressure(() => undefined),
    {},
  );
});
