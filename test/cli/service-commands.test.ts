import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeDaemon, fakeDaemon, json, type Route } from './fake-daemon.ts';
import { cli } from './run-cli.ts';

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `tsstack -p demo ARGS` against a daemon that answers these routes; gives what was sent as well. */
async function demo(
  routes: Readonly<Record<string, Route>>,
  ...argv: string[]
): Promise<Outcome & { readonly sent: FakeDaemon['requests'] }> {
  const daemon = await fakeDaemon(routes);
  try {
    const env = { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state };
    const { status, stdout, stderr } = await cli('/', ['-p', 'demo', ...argv], env);
    return { status, stdout, stderr, sent: daemon.requests };
  } finally {
    await daemon.close();
  }
}

const SELECTOR = { stack: 'demo' };
const answer =
  (value: unknown): Route =>
  (_body, response) =>
    json(response, value);

test('kill sends the signal as it was written, and says who got it', async () => {
  const routes = { 'POST /v1/kill': answer({ containers: ['demo-web-1'] }) };
  const hup = await demo(routes, 'kill', '-s', 'HUP', 'web');
  assert.deepEqual([hup.status, hup.stdout, hup.stderr], [0, '', 'demo-web-1 got the signal HUP\n']);
  assert.deepEqual(hup.sent, [
    { route: 'POST /v1/kill', body: { selector: SELECTOR, services: ['web'], signal: 'HUP' } },
  ]);
  const plain = await demo(routes, 'kill', '--format', 'json');
  assert.deepEqual(JSON.parse(plain.stdout), { containers: ['demo-web-1'] });
  assert.deepEqual(plain.sent[0]?.body, { selector: SELECTOR, services: [] });
});

test('kill says that nothing runs, which is no failure', async () => {
  const { status, stderr } = await demo({ 'POST /v1/kill': answer({ containers: [] }) }, 'kill');
  assert.deepEqual([status, stderr], [0, 'No container runs that could be killed\n']);
});

test('pause and unpause say what they did, each through its own route', async () => {
  for (const [name, words] of [
    ['pause', 'paused'],
    ['unpause', 'goes on'],
  ] as const) {
    const { stderr, sent } = await demo({ [`POST /v1/${name}`]: answer({ containers: ['demo-db-1'] }) }, name, 'db');
    assert.equal(stderr, `demo-db-1 ${words}\n`);
    assert.deepEqual(sent[0]?.body, { selector: SELECTOR, services: ['db'] });
  }
});
