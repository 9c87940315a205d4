import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedState } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import { planUp } from '../../src/planner/plan.ts';
import { renderPlan } from '../../src/planner/render.ts';
import { applyPlan, EMPTY_STATE } from '../helpers/simulate.ts';
import { HOST_IMAGE, testImageKey } from '../helpers/stacks.ts';
import { loadText, problemsOf } from '../spec/load-text.ts';

const START: ObservedState = { ...EMPTY_STATE, images: { host: HOST_IMAGE } };
const OPTIONS = { services: [], forceRecreate: false, noDeps: false, removeOrphans: false, imageKey: testImageKey };
const BOTH = ['mount', 'config'] as const;

/** A service that reads /project/app.conf, by a bind mount or as a config, and one that depends on it. */
const stackOf = (kind: (typeof BOTH)[number], word: string | undefined) => {
  const told = word === undefined ? '' : `, x-on-change: "${word}"`;
  const use =
    kind === 'mount'
      ? `volumes: [{type: bind, source: ./app.conf, target: /etc/app.conf${told}}]`
      : `configs: [{source: app, target: /etc/app.conf${told}}]`;
  return `services:
  app: {command: run, ${use}}
  user: {command: run, depends_on: {app: {condition: service_started, restart: true}}}
${kind === 'config' ? 'configs: {app: {file: ./app.conf}}' : ''}`;
};

function planned(text: string, content: string, state = START, more = {}): Plan {
  const { stack } = loadText(text);
  return planUp(stack, state, { ...OPTIONS, ...more, contentHash: () => content, bindHash: () => content });
}

/** What a changed content leads to; the plan after it must be empty. */
function change(text: string, more = {}): Plan {
  const running = applyPlan(START, planned(text, 'old'));
  const plan = planned(text, 'new', running, more);
  assert.deepEqual(planned(text, 'new', applyPlan(running, plan), more).changes, [], 'the plan after it is empty');
  return plan;
}

const lines = (plan: Plan) =>
  renderPlan(plan)
    .split('\n')
    .filter((line) => /service|app\.conf/.test(line));

for (const kind of BOTH) {
  const field = kind === 'mount' ? 'mounts./etc/app.conf.content' : 'configs.app.content';

  test(`a changed ${kind} with x-on-change: restart is stopped and started, with the dependents that ask for it`, () => {
    const plan = change(stackOf(kind, 'restart'));
    assert.deepEqual(lines(plan), [
      '  ▶ service.app[1]   changed: /project/app.conf; restarted to read it',
      `      ${field}  content of /project/app.conf changed`,
      '  ▶ service.user[1]  restarted with service "app"',
    ]);
    const ids = plan.steps.map(({ id }) => id);
    assert.deepEqual(
      ids.filter((id) => id.endsWith('app[1]')),
      ['stop service.app[1]', 'update service.app[1]', 'start service.app[1]'],
    );
  });

  test(`a changed ${kind} with x-on-change: signal is an update that sends it`, () => {
    const plan = change(stackOf(kind, 'signal:HUP'));
    assert.deepEqual(lines(plan), [
      '  ~ service.app[1]  changed: /project/app.conf; told by HUP',
      `      ${field}  content of /project/app.conf changed`,
    ]);
    assert.deepEqual(
      plan.steps.map((step) => [step.id, step.type === 'update-container' && step.signals]),
      [['update service.app[1]', ['HUP']]],
    );
  });

  test(`a changed ${kind} with x-on-change: replace makes another container, and the plan names the file`, () => {
    assert.match(
      lines(change(stackOf(kind, 'replace'))).join('\n'),
      /± service\.app\[1\] +changed: \/project\/app\.conf\n/,
    );
  });

  test(`a changed ${kind} with x-on-change: ignore is no change, until the container is made anew`, () => {
    assert.deepEqual(change(stackOf(kind, 'ignore')).changes, []);
    if (kind === 'mount') return;
    const running = applyPlan(START, planned(stackOf(kind, 'ignore'), 'old'));
    const contentAfter = (more: string, content: string) => {
      const text = stackOf(kind, 'ignore').replace('command: run,', `command: run, ${more},`);
      return applyPlan(running, planned(text, content, running)).containers['app.1']?.spec.files?.[0]?.content;
    };
    assert.equal(contentAfter('labels: {a: b}', 'new'), 'old', 'an update says what the container has');
    assert.equal(contentAfter('user: nobody', 'new'), 'new');
  });

  test(`another x-on-change of a ${kind} is an update`, () => {
    const running = applyPlan(START, planned(stackOf(kind, 'ignore'), 'same'));
    const plan = planned(stackOf(kind, 'restart'), 'same', running);
    assert.deepEqual(
      plan.changes.map(({ action, fields }) => [action, fields.map(({ field: name }) => name.split('.').at(-1))]),
      [['update', ['onChange']]],
    );
  });
}

test('what is below a bind mount without x-on-change is not looked at, a config without it replaces', () => {
  assert.deepEqual(change(stackOf('mount', undefined)).changes, []);
  assert.equal(change(stackOf('config', undefined)).changes[0]?.action, 'replace');
});

test('with --no-start a changed file restarts nothing', () => {
  const running = applyPlan(START, planned(stackOf('mount', 'restart'), 'old'));
  const { steps } = planned(stackOf('mount', 'restart'), 'new', running, { noStart: true });
  assert.deepEqual(
    steps.map(({ id }) => id),
    ['update service.app[1]'],
  );
});

test('x-on-change says at its place what is wrong with it', () => {
  const wrong = (text: string) => problemsOf(text).map(({ message, position }) => `${position?.line}: ${message}`);
  assert.match(wrong(stackOf('mount', 'signal:NOPE')).join(), /^2: .*x-on-change: there is no signal "NOPE"$/);
  assert.match(wrong(stackOf('config', 'signal:0')).join(), /^2: .*there is no signal "0"/);
  assert.match(wrong(stackOf('config', 'often')).join(), /^2: .*x-on-change/);
  const volume =
    'services:\n  app:\n    command: x\n    volumes: [{type: volume, source: v, target: /v, x-on-change: restart}]\nvolumes: {v: }';
  assert.match(wrong(volume).join(), /^4: .*only the content of a mount of the type "bind" is looked at$/);
});
