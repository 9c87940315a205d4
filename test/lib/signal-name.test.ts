import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endingSignal } from '../../src/lib/signal-name.ts';

test('an exit status above 128 names its signal', () => {
  const cases = { 0: undefined, 1: undefined, 128: undefined, 134: 'SIGABRT', 137: 'SIGKILL', 143: 'SIGTERM' };
  for (const [status, name] of Object.entries(cases)) assert.equal(endingSignal(Number(status)), name, status);
  assert.equal(endingSignal(128 + 34), 'SIGRTMIN');
  assert.equal(endingSignal(128 + 37), 'SIGRTMIN+3');
  assert.equal(endingSignal(255), undefined);
  assert.equal(endingSignal(undefined), undefined);
});
