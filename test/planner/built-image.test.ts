import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import { planUp } from '../../src/planner/plan.ts';
import { renderPlan } from '../../src/planner/render.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, testImageKey } from '../helpers/stacks.ts';
import { loadText } from '../spec/load-text.ts';

const OPTIONS = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false, imageKey: testImageKey };

/** A machine on which the image of `web` has this id. */
function withImage(state: ObservedState, id: string): ObservedState {
  const config = { ...HOST_IMAGE.config, command: ['serve'] };
  return { ...state, images: { 'demo-web': { id, unpacked: true, config } } };
}

const plan = (build: string, observed: ObservedState): Plan =>
  planUp(loadText(`services: {web: {build: ${build}}}`).stack, observed, OPTIONS);

test('a container is replaced when its image has been built anew, and for nothing else below build', () => {
  const before = withImage(EMPTY_STATE, 'sha256:aa');
  const made = applyPlan(before, plan('.', before));
  assert.deepEqual(plan('.', withImage(made, 'sha256:aa')).changes, []);
  const other = '{context: ./other, target: x, args: {A: 1}, labels: {a: b}, privileged: true}';
  assert.deepEqual(plan(other, withImage(made, 'sha256:aa')).changes, []);
  const [change, ...more] = plan('.', withImage(made, 'sha256:bb')).changes;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [change?.action, change?.fields.map(({ field, forcesReplacement }) => [field, forcesReplacement])],
    ['replace', [['image.id', true]]],
  );
  assert.equal(change?.cause, 'its image is a new one');
});

test('a plan says which images are pulled and built before', () => {
  const before = withImage(EMPTY_STATE, '(known when it is built)');
  const text = renderPlan({ ...plan('.', before), pulls: ['redis:8'], builds: ['demo-web'] });
  assert.match(text, / {2}↓ image\.redis:8 {2}is pulled first: what it says is not known yet\n/);
  assert.match(text, / {2}⚒ image\.demo-web {2}is built first: what it says is not known yet\n/);
  assert.match(text, /1 to pull, 1 to build\./);
});
