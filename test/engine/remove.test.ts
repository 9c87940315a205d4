import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remove } from '../../src/engine/remove.ts';
import { endContainer, runningContainer } from '../helpers/running.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';

const WANTED = { services: ['job'], stop: true, removeVolumes: true };

function reporting(signal = new AbortController().signal) {
  return { signal, progress: () => undefined };
}

function removed({ host }: TestEngine): boolean {
  return host.take().some((op) => op.op === 'remove' && op.path.endsWith('/containers/job.1'));
}

test('remove() starts no program to look at the machine', () =>
  withEngine(async (machine) => {
    const job = runningContainer(machine, 'job');
    endContainer(machine, job, 0);
    machine.host.run = (argv) => assert.fail(`"${argv.join(' ')}" was run`);
    await remove(machine.engine, 'demo', WANTED, reporting());
    assert.ok(removed(machine));
    assert.equal(machine.engine.machine.records.container(job.key), undefined);
  }));

test('remove() with whenEnded waits for the end, stops nothing, and lets others use the stack meanwhile', () =>
  withEngine(async (machine) => {
    const job = runningContainer(machine, 'job');
    const done = remove(machine.engine, 'demo', { ...WANTED, whenEnded: true }, reporting());
    await machine.engine.stacks.run('demo', async () => undefined);
    assert.equal(removed(machine), false);
    endContainer(machine, job, 3);
    await done;
    assert.ok(removed(machine));
    const events = machine.engine.machine.records.events('demo', 0);
    assert.deepEqual(
      events.map(({ event, exitCode }) => (exitCode === undefined ? event : `${event} ${exitCode}`)),
      ['exit 3', 'remove'],
    );
  }));

test('remove() with whenEnded removes nothing when it is cancelled before the end', () =>
  withEngine(async (machine) => {
    const job = runningContainer(machine, 'job');
    const cancelled = new AbortController();
    const done = remove(machine.engine, 'demo', { ...WANTED, whenEnded: true }, reporting(cancelled.signal));
    cancelled.abort();
    await assert.rejects(done, { name: 'AbortError' });
    assert.equal(machine.engine.supervisor.runs(job.key), true);
    assert.equal(removed(machine), false);
  }));
