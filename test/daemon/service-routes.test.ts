import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaunchExplanation } from '../../src/daemon/api.ts';
import { ApiServer } from '../../src/daemon/server.ts';
import { runningContainer } from '../helpers/running.ts';
import { record, spec } from '../helpers/steps.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';
import { type Answer, ask } from './ask.ts';

type Post = (path: string, body: object) => Promise<Answer>;

/** A server over a stack "demo" with "web", which runs, and "job", which never did. */
function withDemo(body: (machine: TestEngine, post: Post) => Promise<void>): Promise<void> {
  return withEngine(async (machine) => {
    runningContainer(machine, 'web');
    machine.engine.machine.records.containers.put(record(spec('job'), { run: 0 }));
    machine.host.take();
    const server = new ApiServer(machine.engine, () => undefined);
    const socketPath = `${machine.paths.run}/daemon.sock`;
    await server.listen(socketPath);
    try {
      await body(machine, (path, more) =>
        ask(socketPath, { path, body: { selector: { stack: 'demo' }, requestId: 'r', ...more } }),
      );
    } finally {
      await server.close();
    }
  });
}

test('kill, pause, unpause and top answer with the containers that they are about', () =>
  withDemo(async ({ host }, post) => {
    const killed = await post('/v1/kill', { signal: 'HUP' });
    assert.deepEqual([killed.status, killed.json], [200, { containers: ['demo-web-1'] }]);
    assert.deepEqual(
      host.take().map((op) => op.op === 'kill' && op.signal),
      [1],
    );
    assert.deepEqual((await post('/v1/pause', { services: ['job'] })).json, { containers: [] });
    assert.deepEqual((await post('/v1/pause', {})).json, { containers: ['demo-web-1'] });
    assert.deepEqual((await post('/v1/unpause', {})).json, { containers: [] }, 'nothing is frozen on this machine');
    const top = (await post('/v1/top', {})).json as unknown as readonly { readonly name: string }[];
    assert.deepEqual(
      top.map(({ name }) => name),
      ['demo-web-1'],
    );
  }));

test('explain answers with what the launchers do, step by step, of what runs and what never did', () =>
  withDemo(async (_machine, post) => {
    const { status, json } = await post('/v1/explain', {});
    assert.equal(status, 200, JSON.stringify(json));
    const explained = json as unknown as readonly LaunchExplanation[];
    assert.deepEqual(
      explained.map(({ name }) => name),
      ['demo-job-1', 'demo-web-1'],
    );
    for (const { steps } of explained) {
      assert.equal(steps[0]?.first, 0);
      assert.ok(steps.every(({ first }, index) => index === 0 || first === (steps[index - 1]?.last ?? 0) + 1));
      const calls = steps.map(({ call, does }) => `${call}: ${does}`);
      for (const step of [
        'pivot_root: make it the root',
        'setresuid: become user 0',
        'prctl: have no ambient capability',
      ]) {
        assert.ok(calls.includes(step), `${step}\n${calls.join('\n')}`);
      }
      assert.match(calls.join('\n'), /^seccomp: install the seccomp filter, \d+ instructions$/m);
      assert.match(calls.at(-1) ?? '', /^execve: run /);
    }
  }));

test('what is no signal is a 400, what is no service a 404', () =>
  withDemo(async (_machine, post) => {
    assert.equal((await post('/v1/kill', { signal: 'BOOM' })).status, 400);
    assert.equal((await post('/v1/kill', { signal: 9 })).status, 400);
    for (const path of ['/v1/kill', '/v1/pause', '/v1/unpause', '/v1/top', '/v1/explain']) {
      assert.equal((await post(path, { services: ['wbe'] })).status, 404, path);
    }
  }));

test('rm removes what does not run, as a stream that ends with done, and leaves the rest', () =>
  withDemo(async ({ engine }, post) => {
    const { lines } = await post('/v1/rm', { services: [], stop: false, removeVolumes: false });
    assert.deepEqual(lines.at(-1), { type: 'done', result: {} });
    const left = engine.machine.records.containersOf('demo').map(({ key }) => key.service);
    assert.deepEqual(left, ['web']);
  }));
