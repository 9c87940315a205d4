import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageAddress } from '../../src/model/address.ts';
import type { Step } from '../../src/model/plan.ts';
import { anchors, reversed, sortSteps, walkGraph, withoutCycles } from '../../src/planner/order.ts';

function step(id: string, dependsOn: readonly string[]): Step {
  return {
    type: 'unpack-image',
    id,
    address: imageAddress(id),
    cause: 'test',
    dependsOn,
    source: { type: 'host' },
    imageId: id,
  };
}

test('sortSteps() puts steps after those they wait for and otherwise keeps their order', () => {
  const sorted = sortSteps([step('d', ['b', 'c']), step('a', []), step('c', ['a']), step('b', [])]);
  assert.deepEqual(
    sorted.map(({ id }) => id),
    ['b', 'a', 'c', 'd'],
  );
});

test('sortSteps() drops what is not in the plan, and repetitions', () => {
  assert.deepEqual(sortSteps([step('a', []), step('b', ['x', 'a', 'a'])])[1]?.dependsOn, ['a']);
});

test('sortSteps() refuses steps that wait for each other, and ids that are there twice', () => {
  assert.throws(() => sortSteps([step('a', ['b']), step('b', ['a'])]), /wait for each other/);
  assert.throws(() => sortSteps([step('a', []), step('a', [])]), /same id/);
});

test('walkGraph() follows a chain of 100,000 nodes', () => {
  const graph = new Map(Array.from({ length: 100_000 }, (_, index) => [`${index}`, [`${index + 1}`]]));
  assert.equal(walkGraph(graph).order[0], '99999');
});

test('withoutCycles() drops one edge of a circle and keeps the others', () => {
  const graph = withoutCycles(
    new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]),
  );
  assert.deepEqual(
    [...graph],
    [
      ['c', []],
      ['b', ['c']],
      ['a', ['b']],
    ],
  );
});

test('anchors() reaches through nodes without steps, in both directions', () => {
  const graph = withoutCycles(
    new Map([
      ['web', ['job']],
      ['job', ['db']],
      ['db', []],
    ]),
  );
  const steps = (service: string): readonly string[] => (service === 'job' ? [] : [`step of ${service}`]);
  assert.deepEqual(anchors(graph, steps).get('web'), ['step of db']);
  assert.deepEqual(anchors(reversed(graph), steps).get('db'), ['step of web']);
});
