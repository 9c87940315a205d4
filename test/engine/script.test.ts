import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import { makeUpPlan } from '../../src/engine/plan.ts';
import { planScript } from '../../src/engine/script.ts';
import { DEFAULT_PROFILE } from '../../src/model/apparmor.ts';
import type { Plan } from '../../src/model/plan.ts';
import { loadStack } from '../../src/spec/load.ts';
import { withEngine } from '../helpers/test-engine.ts';

const STACK = `services:
  db:
    command: [sleep, infinity]
    volumes: ['data:/data']
  web:
    command: [sh, -c, 'echo "it''s $$HOME"; exec sleep infinity']
    ports: ['127.0.0.1:49999:80']
    mem_limit: 64m
    depends_on: [db]
volumes:
  data:
`;

/** The script of the plan for a stack that is not there. */
async function script(
  text: string,
  use: (script: string, plan: Plan) => void,
  { cause, prepare }: { readonly cause?: string; readonly prepare?: (engine: Engine) => void } = {},
): Promise<void> {
  await withEngine(async ({ engine, host, load }) => {
    prepare?.(engine);
    const options = { load: load(text), forceRecreate: false, noDeps: false, removeOrphans: false };
    const made = await makeUpPlan(engine, loadStack(options.load).stack, options);
    const plan = { ...made, steps: made.steps.map((step) => ({ ...step, cause: cause ?? step.cause })) };
    assert.deepEqual(plan.conflicts, []);
    const written = await planScript(engine, plan);
    assert.deepEqual(engine.machine.records.containers.all(), [], 'nothing was recorded');
    assert.deepEqual(
      host.take().filter((op) => op.op !== 'mkdir'),
      [],
      'nothing was done',
    );
    use(written, plan);
  });
}

function accepted(text: string): void {
  const shell = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' });
  assert.equal(shell.status, 0, shell.stderr);
}

test('the script of a plan is a shell script with every step in order, under its reason', () =>
  script(STACK, (text, { steps }) => {
    accepted(text);
    assert.match(text, /^#!\/bin\/sh\n/);
    const comments = steps.map(({ id, cause }) => text.indexOf(`\n# ${id}: ${cause}\n`));
    assert.ok(
      comments.every((at) => at > 0),
      text,
    );
    assert.deepEqual(
      comments,
      comments.toSorted((left, right) => left - right),
    );
    assert.match(text, /# begin when db is there: service_started/);
  }));

test('what the launcher does stands above each start, call by call', () =>
  script(STACK, (text) => {
    for (const service of ['db', 'web']) {
      const start = text.slice(text.indexOf(`# start service.${service}[1]`));
      const listing = start.slice(0, start.search(/^[^#]/m));
      assert.match(listing, /# the launcher makes these system calls:\n/);
      for (const call of ['pivot_root', 'execve']) assert.match(listing, new RegExp(`^#   .*${call}`, 'm'));
    }
  }));

test('the script shows the objects by the names that they will have', () =>
  script(STACK, (text) => {
    assert.match(text, /^ip netns add ts-probe\.web\.1/m);
    assert.match(text, /^ip link add name ts-[^ ]+ .*type bridge/m);
    assert.match(text, /add element inet tsstack ports4_at \{ 127\.0\.0\.1 \. tcp \. 49999 : [0-9.]+ \. 80 \}/);
    assert.match(text, /tsstack\/probe\/web\.1/);
    assert.match(text, /printf %s 67108864 > /);
    assert.match(text, /^setsid sh .*\/probe\/containers\/web\.1\/launch\.sh /m);
  }));

test('where containers have an AppArmor profile, the script loads it before the first start', () =>
  script(
    STACK,
    (text) => {
      accepted(text);
      const loads = text.search(/^apparmor_parser --replace .*<</m);
      assert.ok(loads > 0 && loads < text.indexOf('\nsetsid sh '), text.slice(0, 3000));
      assert.match(text, /^ {2}deny mount,$/m);
    },
    {
      prepare: ({ machine }) => {
        const appArmor = { file: '/proc/self/attr/apparmor/exec', profile: DEFAULT_PROFILE };
        Object.assign(machine, { kernel: { ...machine.kernel, labels: { appArmor } } });
      },
    },
  ));

test('a reason of several lines stays a comment', () =>
  script(
    STACK,
    (text) => {
      accepted(text);
      assert.match(text, /^# .*: changed: A touch \/tmp\/owned$/m);
      assert.doesNotMatch(text, /^touch/m);
    },
    { cause: 'changed: A\ntouch /tmp/owned' },
  ));

test('hooks are run by hand after a start, in order, in the container', () =>
  script(
    `services:
  web:
    command: [sleep, infinity]
    post_start:
      - command: [touch, /tmp/it's me]
      - command: echo two
        user: '1000'
`,
    (text) => {
      accepted(text);
      const places = ['setsid sh ', '# post_start[0]: touch', '# post_start[1]: echo two'].map((part) =>
        text.indexOf(part),
      );
      assert.deepEqual(
        places,
        places.toSorted((left, right) => left - right),
      );
      assert.ok(!places.includes(-1), text);
      assert.match(text, /ln -sfn "\/proc\/\$\(cut .*init\.stat.*\)" .*\/web\.1\/proc/);
    },
  ));
