import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeDaemon, json, ndjson, type Route } from './fake-daemon.ts';
import { cli } from './run-cli.ts';

const START = { timeMs: 1, stack: 'demo', address: 'service.web[1]', event: 'start' };
const EXIT = { ...START, event: 'exit' };

/** Actions that `events --until 0s` shows of what these answers of daemons tell, one after another. */
async function shown(...answers: readonly Route[]): Promise<readonly unknown[]> {
  const queries: (string | undefined)[] = [];
  const daemon = await fakeDaemon({
    'GET /v1/version': (_body, response) => json(response, {}),
    'GET /v1/stacks/demo/events': async (body, response, request) => {
      await answers[queries.length]?.(body, response, request);
      queries.push(request.url?.split('?')[1]);
    },
  });
  try {
    const argv = ['-p', 'demo', 'events', '--json', '--since', '1970-01-01', '--until', '0s'];
    const { stdout, stderr, status } = await cli('/', argv, { TSSTACK_RUN_DIR: daemon.paths.run });
    assert.deepEqual([status, stderr], [0, '']);
    const since = queries.map((query) => /^since=(\d+)&until=\d{13}$/.exec(query ?? '')?.[1]);
    const actions = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).action]));
    return [since, actions];
  } finally {
    await daemon.close();
  }
}

test('events --until shows all that was until then, however late the daemon answers', async () => {
  const late: Route = async (_body, response) => {
    await sleep(600);
    ndjson(response, [START, EXIT]);
  };
  assert.deepEqual(await shown(late), [['0'], ['start', 'exit']]);
});

test('events --until asks again where the daemon was killed while it told, and shows nothing twice', async () => {
  const cut: Route = async (_body, response) => {
    await new Promise((done) => response.writeHead(200).write(`${JSON.stringify(START)}\n`, done));
    await sleep(50);
    response.destroy();
  };
  assert.deepEqual(await shown(cut, (_body, response) => ndjson(response, [START, EXIT])), [
    ['0', '1'],
    ['start', 'exit'],
  ]);
});
