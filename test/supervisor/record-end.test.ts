import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordStart } from '../../src/executor/start.ts';
import type { RestartPolicy } from '../../src/model/stack.ts';
import type { ContainerRecord } from '../../src/store/records.ts';
import { watchOom } from '../../src/supervisor/oom-watch.ts';
import { recordEnd } from '../../src/supervisor/record-end.ts';
import type { Watched } from '../../src/supervisor/watched.ts';
import { type FakeMachine, fakeMachine } from '../helpers/fake-machine.ts';
import { record, spec } from '../helpers/steps.ts';

/** A machine whose clock and count of kills for lack of memory are set by hand. */
function machine(restart: RestartPolicy = { condition: 'always' }) {
  const made: FakeMachine = fakeMachine();
  const state = { now: 0, kills: 0, events: [] as object[] };
  const context = {
    ...made.context,
    now: () => state.now,
    cgroups: { ...made.context.cgroups, oomKills: () => state.kills },
    emit: ({ stack: _stack, address: _address, ...event }: Parameters<typeof made.context.emit>[0]) =>
      void state.events.push(event),
  };
  const container = spec('web', { restart });
  made.records.containers.put(record(container, { run: 0 }));
  const current = (): ContainerRecord => {
    const found = made.records.container(container.key);
    assert.ok(found);
    return found;
  };
  return {
    state,
    current,
    watch: (watched: Watched) => watchOom(context, watched, current()),
    /** One run that takes so long. */
    run: (by: 'user' | 'policy', ranMs: number, exitCode = 1) => {
      recordStart(context, container.key, by);
      state.now += ranMs;
      recordEnd(context, current(), { state: 'ended', exitCode, finishedAtMs: state.now });
      return current();
    },
  };
}

test('restarts add up and back off, a good run ends the back-off, a start by the user ends both', () => {
  const { run } = machine();
  const counts = ({ restarts, attempts = 0 }: ContainerRecord) => [restarts, attempts];
  assert.deepEqual(counts(run('user', 5)), [0, 0]);
  assert.deepEqual(counts(run('policy', 5)), [1, 1]);
  assert.deepEqual(counts(run('policy', 9999)), [2, 2]);
  assert.deepEqual(counts(run('policy', 10_000)), [3, 0]);
  assert.deepEqual(counts(run('policy', 5)), [4, 1]);
  assert.deepEqual(counts(run('user', 5)), [0, 0]);
});

test('with a window only the restarts that end within it are attempts; the first run is none', () => {
  const { run } = machine({ condition: 'always', maxAttempts: 2, windowMs: 3000 });
  assert.equal(run('user', 5).failedAttempts ?? 0, 0);
  assert.equal(run('policy', 5).failedAttempts, 1);
  assert.equal(run('policy', 3000).failedAttempts, 1);
  assert.equal(run('policy', 2999).failedAttempts, 2);
});

test('the end of the run before is kept', () => {
  const { run, current } = machine();
  run('user', 5, 137);
  assert.equal(current().lastEnd, undefined);
  run('policy', 5, 0);
  assert.deepEqual(current().lastEnd, { finishedAtMs: 5, oomKilled: false, exitCode: 137 });
});

test('SIGKILL is told from a kill for lack of memory by the count of the cgroup', () => {
  const { run, state } = machine();
  assert.equal(run('user', 5, 137).oomKilled, false);
  assert.deepEqual(state.events, [{ event: 'exit', exitCode: 137, signal: 'SIGKILL' }]);
  state.events = [];
  const starved = machine();
  starved.run('user', 5);
  starved.state.events = [];
  // The count rises during the run.
  Object.defineProperty(starved.state, 'kills', { get: () => (starved.state.now > 5 ? 1 : 0) });
  assert.equal(starved.run('policy', 5, 137).oomKilled, true);
  assert.deepEqual(starved.state.events, [{ event: 'oom' }, { event: 'exit', exitCode: 137, signal: 'SIGKILL' }]);
});

test('a kill that the container survives is told once, and is not the reason of a later SIGKILL', () => {
  const { run, state, current, watch } = machine();
  run('user', 5);
  state.events = [];
  state.kills = 2;
  const watched = { key: current().key, phase: 'runs' as const };
  // Its end may be on its way: looks follow each other at once.
  for (let look = 0; look < 4; look += 1) watch(watched);
  assert.equal(state.events.length, 0);
  state.now += 1000;
  for (let look = 0; look < 4; look += 1) watch(watched);
  assert.deepEqual(
    state.events.map((each) => 'event' in each && each.event),
    ['oom'],
  );
  assert.equal(current().oomKillsBefore, 2);
});
