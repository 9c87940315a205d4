import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeDaemon } from './fake-daemon.ts';
import { cli } from './run-cli.ts';

test('events --until shows all that was until then, however late the daemon answers', async () => {
  const event = { timeMs: 1, stack: 'demo', address: 'service.web[1]', event: 'start' };
  const daemon = await fakeDaemon({
    'GET /v1/stacks/demo/events': async (_body, response) => {
      await sleep(600);
      response.writeHead(200).write(`${JSON.stringify(event)}\n`);
    },
  });
  try {
    const argv = ['-p', 'demo', 'events', '--since', '1970-01-01', '--until', '0s'];
    const { stdout, stderr, status } = await cli('/', argv, { TSSTACK_RUN_DIR: daemon.paths.run });
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /container start service\.web\[1\]/);
  } finally {
    await daemon.close();
  }
});
