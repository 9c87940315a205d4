import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ApiServer } from '../../src/daemon/server.ts';
import { containerAddress } from '../../src/model/address.ts';
import { until } from '../helpers/run.ts';
import { record, spec } from '../helpers/steps.ts';
import { type TestEngine, withEngine } from '../helpers/test-engine.ts';
import { type Answer, ask, open, type Question } from './ask.ts';

interface Daemon extends TestEngine {
  readonly server: ApiServer;
  readonly socket: string;
  readonly ask: (question: Question) => Promise<Answer>;
  /** How often the server said that nothing is being answered any more. */
  readonly quiet: () => number;
}

function withServer(body: (daemon: Daemon) => Promise<void>): Promise<void> {
  return withEngine(async (engine) => {
    let quiet = 0;
    const server = new ApiServer(engine.engine, () => {
      quiet += 1;
    });
    const socket = `${engine.paths.run}/daemon.sock`;
    await server.listen(socket);
    try {
      await body(
        Object.assign(engine, {
          server,
          socket,
          quiet: () => quiet,
          ask: (question: Question) => ask(socket, question),
        }),
      );
    } finally {
      await server.close();
    }
  });
}

const STACK = 'services:\n  web:\n    command: [sleep, infinity]\n    network_mode: none\n';
const up = (load: unknown, requestId = 'r1') => ({ path: '/v1/up', body: { load, requestId } });

test('the socket is for its owner only', () =>
  withServer(async ({ socket }) => {
    const { mode } = statSync(socket);
    assert.equal(mode & 0o777, 0o600);
  }));

test('what is no route is a 404 that says where the routes are, whatever is in the address', () =>
  withServer(async ({ ask: question }) => {
    for (const path of ['/', '/v2/version', '/v1/version/', '//', '/v1/stacks/%zz/containers']) {
      const { status, json } = await question({ path });
      assert.equal(status, 404, path);
      assert.equal(json['code'], 'not-found');
      assert.match(String(json['message']), /openapi/);
    }
    assert.equal((await question({ path: '/v1/version', method: 'DELETE' })).status, 404);
    assert.equal((await question({ path: '/v1/version', body: {} })).status, 404);
  }));

test('a body that is not what a route takes is a 400 that names what is wrong', () =>
  withServer(async ({ ask: question, load }) => {
    const wrong: readonly (readonly [body: unknown, message: RegExp])[] = [
      ['', /not JSON/],
      ['{', /not JSON/],
      ['[]', /"body" is not an object/],
      [{}, /"body" is not an object/],
      [{ load: [] }, /not an object/],
      [{ load: { ...load(STACK), cwd: 1 } }, /"cwd" is not a string/],
      [{ load: { ...load(STACK), env: ['A=1'] } }, /"env" is not a map of strings/],
      [{ load: { ...load(STACK), services: 'web' } }, /"services" is not a list of strings/],
      [{ load: load(STACK), script: 'yes' }, /"script" is not true or false/],
    ];
    for (const [body, message] of wrong) {
      const { status, json } = await question({ path: '/v1/plan', body });
      assert.equal(status, 400, JSON.stringify(body));
      assert.equal(json['code'], 'usage');
      assert.match(String(json['message']), message);
    }
    for (const time of ['since=yesterday', 'since=0&until=tomorrow']) {
      assert.equal((await question({ path: `/v1/stacks/probe/events?${time}` })).status, 400, time);
    }
    assert.equal((await question({ path: '/v1/stacks/..%2f../containers' })).status, 400);
  }));

test('a body that is too large is a 413, and the client that sends it gets to see it', () =>
  withServer(async ({ ask: question }) => {
    const { status, json } = await question({ path: '/v1/plan', body: 'x'.repeat(64 * 1024 * 1024) });
    assert.equal(status, 413);
    assert.match(String(json['message']), /larger than 16777216 bytes/);
  }));

test('a request from a page in a browser is refused, by its headers and by the host that it names', () =>
  withServer(async ({ ask: question }) => {
    for (const header of ['origin', 'referer', 'sec-fetch-site', 'sec-fetch-mode']) {
      const { status, json } = await question({ path: '/v1/version', headers: { [header]: 'http://evil.example' } });
      assert.equal(status, 403);
      assert.match(String(json['message']), /browsers/);
    }
    for (const host of ['evil.example', 'localhost:8080', '127.0.0.1', '[::1]', 'tsstack@evil']) {
      assert.equal((await question({ path: '/v1/version', headers: { host } })).status, 403, host);
    }
    for (const host of ['localhost', 'tsstack', '', 'api.localhost', '%2Frun%2Ftsstack%2Fdaemon.sock']) {
      assert.equal((await question({ path: '/v1/version', headers: { host } })).status, 200, host);
    }
  }));

test('errors have the status of their code: a stack file with errors is 422 with its diagnostics', () =>
  withServer(async ({ ask: question, load }) => {
    const { status, json } = await question({
      path: '/v1/plan',
      body: { load: load('services:\n  web:\n    comand: x\n') },
    });
    assert.equal(status, 422);
    assert.equal((json['diagnostics'] as unknown[]).length > 0, true);
    const cancel = await question({ path: '/v1/cancel', body: { requestId: 'nobody' } });
    assert.deepEqual([cancel.status, cancel.json['code']], [404, 'not-found']);
  }));

test('a stream ends with what became of it: done with its result, failed with its error', () =>
  withServer(async ({ ask: question, load }) => {
    const done = await question(up(load(STACK)));
    assert.equal(done.status, 200);
    assert.match(done.type, /x-ndjson/);
    assert.deepEqual(done.lines.at(-1), {
      type: 'done',
      result: { stack: 'probe', services: ['web'], unattached: [], jobs: [] },
    });
    assert.ok(done.lines.some(({ type }) => type === 'plan'));
    const failed = await question(up(load('services: [\n')));
    assert.equal(failed.status, 200);
    assert.equal(failed.lines.at(-1)?.['type'], 'failed');
    assert.equal(failed.lines.filter(({ type }) => type === 'done' || type === 'failed').length, 1);
  }));

test('cancel stops a request, which says so and has undone what it did', () =>
  withServer(async (daemon) => {
    const begun = Promise.withResolvers<void>();
    daemon.gate = async (ops, signal) => {
      if (!ops.some(({ op }) => op === 'launch')) return;
      begun.resolve();
      await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const request = daemon.ask(up(daemon.load(STACK), 'mine'));
    await begun.promise;
    const again = await daemon.ask(up(daemon.load(STACK), 'mine'));
    assert.deepEqual([again.status, again.json['code']], [409, 'conflict']);
    assert.equal((await daemon.ask({ path: '/v1/cancel', body: { requestId: 'mine' } })).status, 200);
    const { lines } = await request;
    assert.deepEqual(lines.at(-1), { type: 'failed', error: { code: 'cancelled', message: 'Cancelled' } });
    assert.deepEqual(daemon.engine.machine.records.containers.all(), []);
    assert.equal((await daemon.ask({ path: '/v1/cancel', body: { requestId: 'mine' } })).status, 404);
  }));

test('a client that goes away does not stop what it began, and the server counts until that is done', () =>
  withServer(async (daemon) => {
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    daemon.gate = async (ops) => {
      if (!ops.some(({ op }) => op === 'launch')) return;
      begun.resolve();
      await release.promise;
    };
    const response = await open(daemon.socket, up(daemon.load(STACK)));
    await begun.promise;
    response.destroy();
    await once(response, 'close');
    assert.equal(daemon.server.pending, 1);
    assert.equal(daemon.quiet(), 0);
    release.resolve();
    await until('the end', () => daemon.server.pending === 0);
    assert.equal(daemon.quiet(), 1);
    assert.equal(daemon.engine.machine.records.containers.size, 1);
  }));

test('connections on which nothing comes, or half a request, keep nobody else waiting, nor the end', () =>
  withServer(async ({ socket, server, ask: question }) => {
    const [silent, half] = [connect(socket), connect(socket)];
    half.write('POST /v1/plan HT');
    await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
    assert.equal((await question({ path: '/v1/version' })).status, 200);
    const closed = [once(silent, 'close'), once(half, 'close')];
    for (const client of [silent, half]) client.resume().on('error', () => undefined);
    await server.close();
    await Promise.all(closed);
  }));

test('what is being answered when the server closes is answered to its last byte', () =>
  withServer(async (daemon) => {
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    daemon.gate = async (ops) => {
      if (!ops.some(({ op }) => op === 'launch')) return;
      begun.resolve();
      await release.promise;
    };
    const request = daemon.ask(up(daemon.load(STACK)));
    await begun.promise;
    const closed = daemon.server.close();
    release.resolve();
    assert.equal((await request).lines.at(-1)?.['type'], 'done');
    await closed;
  }));

test('an answer that its client is slow to take is whole, though the server closes meanwhile', () =>
  withServer(async ({ engine, socket, server }) => {
    const argv = ['x'.repeat(2 ** 21)];
    engine.machine.records.containers.put(record(spec('web', { argv })));
    const response = await open(socket, { path: '/v1/stacks/demo/containers' });
    const closed = server.close();
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    assert.equal(JSON.parse(text)[0].command, argv[0]);
    await closed;
  }));

test('events of a stack are told from then on and as they happen, and keep the daemon from nothing', () =>
  withServer(async ({ engine, server, socket }) => {
    const event = (stack: string, name: 'start' | 'exit') =>
      engine.machine.emit({ stack, address: containerAddress('web', 1), event: name });
    event('probe', 'start');
    const response = await open(socket, { path: '/v1/stacks/probe/events?since=0' });
    assert.equal(server.pending, 0);
    const lines = response.setEncoding('utf8')[Symbol.asyncIterator]();
    assert.match((await lines.next()).value, /^\{.*"event":"start"\}\n$/);
    event('other', 'exit');
    event('probe', 'exit');
    assert.match((await lines.next()).value, /^\{.*"stack":"probe".*"event":"exit"\}\n$/);
    await server.close();
    assert.equal((await lines.next()).done, true);
  }));

test('events until a time are those before it, and the answer ends then by itself', () =>
  withServer(async ({ engine, socket }) => {
    const event = (name: 'start' | 'exit' | 'kill', timeMs: number): void => {
      const told = { stack: 'probe', address: containerAddress('web', 1), event: name, timeMs };
      engine.machine.records.addEvent(told);
      engine.events.send(told);
    };
    const now = engine.machine.now();
    event('start', now - 2000);
    event('exit', now - 1000);
    const past = await open(socket, { path: `/v1/stacks/probe/events?since=0&until=${now - 1000}` });
    assert.deepEqual(await names(past), ['start']);
    const soon = await open(socket, { path: `/v1/stacks/probe/events?since=0&until=${now + 700}` });
    event('kill', now + 699);
    event('start', now + 700);
    assert.deepEqual(await names(soon), ['start', 'exit', 'kill']);
    assert.ok(engine.machine.now() >= now + 700, 'not before its time');
  }));

async function names(answer: AsyncIterable<Buffer>): Promise<readonly unknown[]> {
  let text = '';
  for await (const chunk of answer) text += chunk.toString();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).event]));
}
