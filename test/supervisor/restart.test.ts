import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RestartPolicy } from '../../src/model/stack.ts';
import type { ContainerRecord } from '../../src/store/records.ts';
import { shouldRestart } from '../../src/supervisor/restart.ts';

function record(fields: Partial<ContainerRecord> = {}): ContainerRecord {
  return { restarts: 0, stoppedByUser: false, ...fields } as ContainerRecord;
}

const CASES: readonly [RestartPolicy, Partial<ContainerRecord>, number | undefined, boolean][] = [
  [{ condition: 'no' }, {}, 1, false],
  [{ condition: 'always' }, {}, 0, true],
  [{ condition: 'unless-stopped' }, {}, 0, true],
  [{ condition: 'always' }, { stoppedByUser: true }, 143, false],
  [{ condition: 'on-failure' }, {}, 0, false],
  [{ condition: 'on-failure' }, { restarts: 100 }, 1, true],
  [{ condition: 'on-failure', maxAttempts: 3 }, { restarts: 2 }, 1, true],
  [{ condition: 'on-failure', maxAttempts: 3 }, { restarts: 3 }, 1, false],
  [{ condition: 'on-failure' }, {}, undefined, true],
];

for (const [policy, fields, exitCode, expected] of CASES) {
  const what = `${JSON.stringify(policy)} with ${JSON.stringify(fields)} after status ${exitCode}`;
  test(`${what}: ${expected ? 'restart' : 'stay'}`, () => {
    assert.equal(shouldRestart(policy, record(fields), exitCode), expected);
  });
}
