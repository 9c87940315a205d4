import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batcher } from '../../src/host/batcher.ts';

test('what is asked for while a batch runs goes together into the next one', async () => {
  const batches: (readonly string[])[] = [];
  let release = (): void => undefined;
  const first = new Promise<void>((resolve) => {
    release = resolve;
  });
  let idle = 0;
  const batcher = new Batcher<string>(
    async (items) => {
      batches.push(items);
      if (batches.length === 1) await first;
      return items.map(() => undefined);
    },
    {
      onIdle: () => {
        idle += 1;
      },
    },
  );
  const a = batcher.add('a');
  await new Promise((resolve) => setImmediate(resolve));
  const rest = [batcher.add('b'), batcher.add('c')];
  release();
  await Promise.all([a, ...rest]);
  assert.deepEqual(batches, [['a'], ['b', 'c']]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(idle, 1, 'told once, when nothing waits any more');
});

test('only the item that failed is rejected', async () => {
  const batcher = new Batcher<number>(async (items) => items.map((item) => (item === 2 ? new Error('no') : undefined)));
  const outcomes = await Promise.allSettled([batcher.add(1), batcher.add(2), batcher.add(3)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('a run that throws rejects its whole batch and the next one still runs', async () => {
  let runs = 0;
  const batcher = new Batcher<number>(async (items) => {
    runs += 1;
    if (runs === 1) throw new Error('no such program');
    return items.map(() => undefined);
  });
  await assert.rejects(batcher.add(1), /no such program/);
  await batcher.add(2);
  assert.equal(runs, 2);
});

test('where patience is at an end the next batch does not wait, and both are told of', async () => {
  const first = Promise.withResolvers<void>();
  const batcher = new Batcher<string>(
    async (items) => {
      if (items.includes('slow')) await first.promise;
      return items.map((item) => (item === 'slow' ? new Error('no') : undefined));
    },
    { patienceMs: 1 },
  );
  const slow = batcher.add('slow');
  await new Promise((resolve) => setImmediate(resolve));
  await batcher.add('quick');
  first.resolve();
  await assert.rejects(slow, { message: 'no' });
});
