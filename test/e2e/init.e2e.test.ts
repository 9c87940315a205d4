import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { e2e } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

e2e('init: pid 1 reaps zombies that the program leaves behind', async (project) => {
  project.write(`services:
  web:
    command: [sh, -c, '(sh -c "sleep 0.1; exit 3" &); exec sleep infinity']
    init: true
`);
  await project.expect(0, 'up', '-d');
  const states = async () =>
    project.expect(0, 'exec', '-T', 'web', 'sh', '-c', 'cat /proc/[0-9]*/comm; cat /proc/[0-9]*/status');
  const seen = await until('the orphan to be gone', async () => {
    const text = await states();
    return text.match(/^PPid:\t1$/gm)?.length === 1 && text;
  });
  assert.match(seen, /^init$/m);
  assert.doesNotMatch(seen, /^State:\tZ/m);
});

e2e(
  'init: a stop is as quick as the program ends, its status is passed on, and so is every signal',
  async (project) => {
    project.write(`services:
  sleep: {command: [sleep, infinity], init: true, stop_grace_period: 50s}
  trap:
    command: [sh, -c, 'trap "echo usr1" USR1; trap "echo quit; exit 7" QUIT; echo ready; while :; do sleep 0.02; done']
    init: true
    stop_signal: SIGQUIT
    stop_grace_period: 50s
  ends: {command: [sh, -c, 'exit 42'], init: true}
  killed: {command: [sh, -c, 'kill -9 $$$$'], init: true}
`);
    await project.expect(0, 'up', '-d');
    assert.equal((await project.exited('ends')).exitCode, 42);
    assert.equal((await project.exited('killed')).exitCode, 137);
    await until('trap', async () => /ready/.test(await project.logs('trap')));
    await project.expect(0, 'kill', '-s', 'USR1', 'trap');
    await until('signal', async () => /usr1/.test(await project.logs('trap')));
    const begun = Date.now();
    await project.expect(0, 'stop');
    assert.ok(Date.now() - begun < 40_000, 'nobody waited for a grace period');
    assert.equal((await project.container('sleep')).exitCode, 143);
    assert.equal((await project.container('trap')).exitCode, 7);
    assert.match(await project.logs('trap'), /quit/);
  },
);

e2e('init: what is not there or cannot be executed is said as without', async (project) => {
  project.write('services: {web: {command: [nothing-like-it], init: true}}\n');
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 1);
  assert.match(stderr, /no such program/);
});

e2e('stops run at the same time, each with its own deadline, dependents first', async (project) => {
  // Each ignores its signal, so each is killed when its time is over.
  const deaf = (service: string, more = '') => `  ${service}:
    command: [sh, -c, 'trap ''echo asked $$(date +%s%N)'' TERM; echo ready; while :; do sleep 0.02; done']
    stop_grace_period: 1s
${more}`;
  project.write(`services:
${deaf('a')}${deaf('b')}${deaf('c')}${deaf('d', '    depends_on: [a, b, c]\n')}`);
  await project.expect(0, 'up', '-d');
  for (const service of ['a', 'b', 'c', 'd'])
    await until(service, async () => /ready/.test(await project.logs(service)));
  const { pid } = await project.container('d');
  assert.match(readFileSync(`/proc/${pid}/comm`, 'utf8'), /sh/);
  await project.expect(0, 'stop');
  const ended = Object.fromEntries((await project.ps()).map((each) => [each.service, each]));
  assert.deepEqual(new Set(Object.values(ended).map(({ exitCode }) => exitCode)), new Set([137]));
  const asked = async (service: string) => Number(/asked (\d+)/.exec(await project.logs(service))?.[1]) / 1e6;
  const [a, b, c] = [await asked('a'), await asked('b'), await asked('c')];
  // A grace period lies between the ends of what is stopped one after the other.
  assert.ok(Math.max(a, b, c) - Math.min(a, b, c) < 900, `${a} ${b} ${c}`);
  assert.ok(Math.min(a, b, c) >= (ended['d']?.finishedAtMs ?? Number.NaN) - 1, 'the dependent had ended');
});
