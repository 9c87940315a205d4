import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Stack } from '../../src/model/stack.ts';
import { planUp } from '../../src/planner/plan.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, testImageKey } from '../helpers/stacks.ts';
import { loadText } from '../spec/load-text.ts';
import { missingShared, sharedPath } from '../spec/shared.ts';

/** What one transition does to containers, by name. Empty lists are left out. */
interface Expected {
  readonly createContainers?: readonly string[];
  readonly recreateContainers?: readonly (readonly [name: string, why: string])[];
  readonly removeContainers?: readonly string[];
  readonly unchangedContainers?: readonly string[];
  /** Their service is switched off: neither removed nor named. */
  readonly leftRunningDisabled?: readonly string[];
  /** Stopped before and started after a dependency that is replaced: service, dependency. */
  readonly stopForDependency?: readonly (readonly [service: string, dependency: string])[];
}

interface Transition {
  readonly id: string;
  readonly before: string;
  readonly after: string;
  readonly options: {
    readonly removeOrphans?: boolean;
    readonly noRecreate?: boolean;
    readonly profiles?: readonly string[];
  };
  readonly expect: Expected;
}

/** What we do to containers: Compose's words, and those for what it cannot do. */
interface Done extends Expected {
  readonly updateContainers?: readonly string[];
  readonly conflicts?: readonly string[];
}

const ALL = ['proj-api-1', 'proj-db-1', 'proj-web-1'];
/** Where ours is finer; docs/plan.md says so too. */
const finer: Readonly<Record<string, { readonly rule: string; readonly done: Done }>> = {
  'published-port': {
    rule: 'published ports change in place',
    done: { updateContainers: ['proj-web-1'], unchangedContainers: ['proj-api-1', 'proj-db-1'] },
  },
  'restart-policy': {
    rule: 'a restart policy changes in place, so that dependents have no reason to restart',
    done: { updateContainers: ['proj-api-1'], unchangedContainers: ['proj-db-1', 'proj-web-1'] },
  },
  'profile-now-inactive': {
    rule: 'depends_on is recorded for down and stop, in place',
    done: {
      updateContainers: ['proj-web-1'],
      unchangedContainers: ['proj-db-1'],
      leftRunningDisabled: ['proj-api-1'],
    },
  },
  'service-alias': {
    rule: 'aliases change in place, so that dependents have no reason to restart',
    done: { updateContainers: ['proj-api-1'], unchangedContainers: ['proj-db-1', 'proj-web-1'] },
  },
  ...Object.fromEntries(
    ['volume-driver-opts-yes', 'volume-driver-opts-declined'].map((id) => [
      id,
      {
        rule: 'a volume is never replaced: its data would be lost',
        done: { unchangedContainers: ALL, conflicts: ['volume.data'] },
      },
    ]),
  ),
};

const transitions: readonly Transition[] =
  missingShared === false
    ? JSON.parse(readFileSync(sharedPath('compose/transitions/plan-transitions.json'), 'utf8')).cases
    : [];
let passed = 0;

for (const transition of transitions) {
  const rule = finer[transition.id]?.rule;
  test(`transition ${transition.id}${rule === undefined ? '' : ` is finer: ${rule}`}`, () => {
    const wanted = finer[transition.id]?.done ?? transition.expect;
    assert.deepEqual(done(transition), comparable(wanted));
    passed += 1;
  });
}

test('there are transitions to compare with', { skip: missingShared }, () => assert.ok(transitions.length > 20));

after(() =>
  console.log(`transitions: ${passed} of ${transitions.length} as Compose decides, or finer by a stated rule`),
);

/** Brings `before` up, then says what `after` does. */
function done({ before, after: changed, options }: Transition): unknown {
  const first = load(before, options.profiles);
  const second = load(changed, options.profiles);
  const start = withImages(EMPTY_STATE, first, second);
  const running = applyPlan(start, plan(first, start, {}));
  const next = plan(second, running, options);
  if (next.conflicts.length === 0) {
    const settled = applyPlan(running, next);
    assert.deepEqual(plan(second, settled, options).changes, [], 'the plan after it is empty');
  }
  return comparable(summary(next, running, second));
}

function load(text: string, profiles: readonly string[] = []): Stack {
  return loadText(text, { projectName: 'proj', profiles }).stack;
}

function plan(stack: Stack, observed: ObservedState, options: Transition['options']): Plan {
  const none = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false };
  return planUp(stack, observed, { ...none, ...options, imageKey: testImageKey });
}

/** Every image is there, and its program runs; so is what the file calls external. */
function withImages(state: ObservedState, ...stacks: readonly Stack[]): ObservedState {
  const references = stacks.flatMap(({ services }) =>
    Object.values(services).map(({ source }) => testImageKey(source)),
  );
  const config = { ...HOST_IMAGE.config, command: ['serve'] };
  const external = stacks.flatMap(({ volumes }) => Object.values(volumes).filter((each) => each.external));
  return {
    ...state,
    images: Object.fromEntries(references.map((id) => [id, { ...HOST_IMAGE, id, config }])),
    volumes: Object.fromEntries(
      external.map(({ key, name, driver, driverOptions, labels }) => [
        name,
        { stack: 'other', key, name, driver, driverOptions, labels },
      ]),
    ),
  };
}

function summary({ changes, steps, conflicts }: Plan, running: ObservedState, stack: Stack): Done {
  const all = Object.values(running.containers).map(({ spec }) => spec);
  const nameOf = (address: string) => `proj-${address.replace(/^service\.(.*)\[(\d+)\]$/, '$1-$2')}`;
  const by = (action: string) =>
    changes.flatMap((change) =>
      change.action === action && change.address.startsWith('service.') ? nameOf(change.address) : [],
    );
  const replaced = by('replace');
  const restarted = changes.filter(({ action }) => action === 'start');
  const disabled = all.flatMap(({ key, name }) => (stack.disabledServices.includes(key.service) ? name : []));
  // With a conflict there are no steps, so nothing at all happens to a container.
  const touched = steps.length === 0 ? [] : [...replaced, ...by('update'), ...by('remove')];
  return {
    createContainers: by('create'),
    recreateContainers: replaced.map((name) => [name, '']),
    removeContainers: by('remove'),
    updateContainers: by('update'),
    stopForDependency: restarted.map(({ address, cause }) => [
      nameOf(address).split('-')[1] ?? '',
      /"(.*)"/.exec(cause)?.[1] ?? '',
    ]),
    unchangedContainers: all.flatMap(({ name }) => (touched.includes(name) || disabled.includes(name) ? [] : name)),
    leftRunningDisabled: disabled,
    conflicts: conflicts.map(({ address }) => address),
  };
}

/** Sorted, without empty lists and without Compose's words for why. Who is stopped for a dependency is unchanged for Compose. */
function comparable({ recreateContainers = [], ...rest }: Done): unknown {
  const lists = {
    ...rest,
    recreateContainers: recreateContainers.map(([name]) => name),
  };
  const known = ['createContainers', 'recreateContainers', 'removeContainers', 'updateContainers', 'stopForDependency'];
  return Object.fromEntries(
    Object.entries(lists)
      .filter(([key]) => [...known, 'unchangedContainers', 'leftRunningDisabled', 'conflicts'].includes(key))
      .flatMap(([key, list = []]) => (list.length === 0 ? [] : [[key, list.map(String).sort()]])),
  );
}
