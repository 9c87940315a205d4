import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ends } from '../../src/cli/ends.ts';

/** What becomes of an `up` whose containers end one after the other: how often it stops all, and its status. */
function play(
  options: { readonly abortOn?: 'exit' | 'failure'; readonly exitCodeFrom?: string; readonly jobs?: readonly string[] },
  ...ended: readonly (readonly [string, number])[]
): { readonly aborts: number; readonly status: number | undefined } {
  let aborts = 0;
  const { abortOn, exitCodeFrom, jobs = [] } = options;
  const ends = new Ends({ abortOn, exitCodeFrom }, jobs, () => {
    aborts += 1;
  });
  for (const [service, exitCode] of ended) ends.add({ service, exitCode });
  return { aborts, status: ends.status };
}

test('without a wish the ends of containers stop nothing and say no status', () => {
  assert.deepEqual(play({}, ['web', 3]), { aborts: 0, status: undefined });
});

test('--abort-on-container-exit stops all once, and ends with the status of the first', () => {
  assert.deepEqual(play({ abortOn: 'exit' }, ['web', 0], ['db', 143]), { aborts: 1, status: 0 });
});

test('--abort-on-container-failure goes on after a clean end', () => {
  assert.deepEqual(play({ abortOn: 'failure' }, ['web', 0]), { aborts: 0, status: undefined });
  assert.deepEqual(play({ abortOn: 'failure' }, ['web', 0], ['db', 7], ['x', 143]), { aborts: 1, status: 7 });
});

test('--exit-code-from gives the status of that service, whoever ended first', () => {
  const wish = { abortOn: 'exit', exitCodeFrom: 'tests' } as const;
  assert.deepEqual(play(wish, ['web', 1], ['tests', 143]), { aborts: 1, status: 143 });
  assert.deepEqual(play(wish, ['web', 1]), { aborts: 1, status: 1 });
});

test('a job that others wait for ends nothing when it has completed, unless its status is asked for', () => {
  const wish = { abortOn: 'exit', jobs: ['migrate'] } as const;
  assert.deepEqual(play(wish, ['migrate', 0]), { aborts: 0, status: undefined });
  assert.deepEqual(play(wish, ['migrate', 2]), { aborts: 1, status: 2 });
  assert.deepEqual(play({ ...wish, exitCodeFrom: 'migrate' }, ['migrate', 0]), { aborts: 1, status: 0 });
});
