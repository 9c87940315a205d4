import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../src/host/host.ts';
import { reachesInit, signalNumber } from '../../src/supervisor/stop-signal.ts';

test('signalNumber() reads every form that Compose takes', () => {
  assert.equal(signalNumber('SIGTERM'), 15);
  assert.equal(signalNumber('quit'), 3);
  assert.equal(signalNumber('9'), 9);
  assert.equal(signalNumber('SIGRTMIN+3'), 37);
  assert.throws(() => signalNumber('SIGNOPE'), /no signal "SIGNOPE"/);
});

function status(lines: string, wchan = '0'): Host {
  return { readText: (path: string) => (path.endsWith('/wchan') ? wchan : lines) } as unknown as Host;
}

const NOTHING = 'SigBlk:\t0000000000000000\nSigCgt:\t0000000000000000\n';
const BLOCKED = 'SigBlk:\t0000000000004000\nSigCgt:\t0000000000000000\n';

test('a signal reaches pid 1 only when it is caught or blocked', async () => {
  assert.equal(await reachesInit(status('SigBlk:\t0000000000000000\nSigCgt:\t0000000000004000\n'), 1, 15), true);
  assert.equal(await reachesInit(status(BLOCKED), 1, 15), true);
  assert.equal(await reachesInit(status('SigBlk:\t0000000000000000\nSigCgt:\t0000000000000002\n'), 1, 15), false);
});

test('a signal that is blocked for the moment of a fork does not reach it', async () => {
  let looks = 0;
  const readText = (path: string) => {
    if (path.endsWith('/wchan')) return '0';
    looks += 1;
    return looks === 1 ? BLOCKED : NOTHING;
  };
  assert.equal(await reachesInit({ readText } as unknown as Host, 1, 15), false);
});

test('a process in sigwait is reached, though the kernel shows nothing as blocked then', async () => {
  assert.equal(await reachesInit(status(NOTHING, 'do_sigtimedwait.isra.0'), 1, 15), true);
  assert.equal(await reachesInit(status(NOTHING, 'do_nanosleep'), 1, 15), false);
});
