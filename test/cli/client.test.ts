import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DaemonClient } from '../../src/cli/client.ts';
import { readNdjson } from '../../src/cli/ndjson.ts';
import type { ProgressEvent } from '../../src/model/event.ts';
import { fakeDaemon, json, ndjson, type Route } from './fake-daemon.ts';

async function withDaemon<T>(routes: Record<string, Route>, use: (client: DaemonClient) => Promise<T>): Promise<T> {
  const daemon = await fakeDaemon(routes);
  try {
    return await use(new DaemonClient(daemon.paths, '/nonexistent'));
  } finally {
    await daemon.close();
  }
}

async function collect(events: AsyncIterable<ProgressEvent>): Promise<ProgressEvent[]> {
  const all: ProgressEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('readNdjson()', () => {
  it('reads the same values however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ stringUnit: 'grapheme' })),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        async (values, sizes) => {
          const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
          async function* chunks() {
            for (let from = 0; from < bytes.length; ) {
              const size = sizes.next().value ?? 1;
              yield bytes.subarray(from, from + size);
              from += size;
            }
          }
          const read: unknown[] = [];
          for await (const value of readNdjson(chunks())) read.push(value);
          assert.deepEqual(read, JSON.parse(JSON.stringify(values)));
        },
      ),
    );
  });
});

describe('DaemonClient', () => {
  it('sends JSON and gives the answer, in one piece or in chunks', async () => {
    const routes: Record<string, Route> = {
      'POST /echo': (body, response) => json(response, body),
      'POST /chunks': (body, response) => {
        for (const letter of JSON.stringify(body)) response.write(letter);
        response.end();
      },
    };
    await withDaemon(routes, async (client) => {
      const value = { text: 'grüße\n'.repeat(50_000), list: [1, null] };
      assert.deepEqual(await client.post('/echo', value), value);
      assert.deepEqual(await client.post('/chunks', { a: 'ü' }), { a: 'ü' });
    });
  });

  it("throws the daemon's own error, with its diagnostics", async () => {
    const diagnostics = [{ severity: 'error', code: 'schema.type', message: 'must be a string' }];
    const routes: Record<string, Route> = {
      'GET /a': (_body, response) => json(response, { code: 'not-found', message: 'no such stack', hint: 'ls' }, 404),
      'GET /b': (_body, response) => json(response, { code: 'invalid-stack', message: '1 error', diagnostics }, 422),
      'GET /c': (_body, response) => void response.writeHead(500).end('oops'),
    };
    await withDaemon(routes, async (client) => {
      await assert.rejects(client.get('/a'), { code: 'not-found', message: 'no such stack', hint: 'ls' });
      await assert.rejects(client.get('/b'), { code: 'invalid-stack', diagnostics });
      await assert.rejects(client.get('/c'), { code: 'internal', message: 'The daemon answered with HTTP status 500' });
    });
  });

  it('yields progress up to the last event', async () => {
    const events = [
      { type: 'warning', message: 'w' },
      { type: 'done', result: { stack: 'demo' } },
    ];
    await withDaemon({ 'POST /v1/up': (_body, response) => ndjson(response, events) }, async (client) => {
      assert.deepEqual(await collect(client.progress('/v1/up', {})), events);
    });
  });

  it('does not take a stream that was cut off for a success', async () => {
    const routes: Record<string, Route> = {
      'POST /ended': (_body, response) => ndjson(response, [{ type: 'warning', message: 'w' }]),
      'POST /cut': (_body, response) => {
        response.write('{"type":"warning","message":"w"}\n{"type":"do', () => response.destroy());
      },
    };
    await withDaemon(routes, async (client) => {
      for (const path of ['/ended', '/cut']) {
        await assert.rejects(collect(client.progress(path, {})), { code: 'daemon-unreachable' }, path);
      }
    });
  });

  it('yields events until it is told to stop', async () => {
    const routes: Record<string, Route> = {
      'GET /v1/stacks/demo/events': (_body, response) => {
        response.write('{"event":"start"}\n{"event":"exit"}\n');
      },
    };
    await withDaemon(routes, async (client) => {
      const stop = new AbortController();
      const seen: string[] = [];
      for await (const { event } of client.events('demo', 0, stop.signal)) {
        seen.push(event);
        if (event === 'exit') stop.abort();
      }
      assert.deepEqual(seen, ['start', 'exit']);
    });
  });

  it('makes a call again that a daemon closed without a word', async () => {
    let calls = 0;
    const routes: Record<string, Route> = {
      'GET /x': (_body, response) => {
        calls += 1;
        if (calls === 1) response.destroy();
        else json(response, 'ok');
      },
    };
    await withDaemon(routes, async (client) => {
      assert.equal(await client.get('/x'), 'ok');
    });
  });

  it('does not start a daemon just to look whether one runs', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tsstack-client-'));
    try {
      const client = new DaemonClient({ state: directory, run: join(directory, 'run') }, '/nonexistent');
      assert.equal(await client.getIfRunning('/v1/version'), undefined);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('DaemonClient without a daemon', () => {
  async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), 'tsstack-start-'));
    try {
      await use(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it('starts one for several clients that come at once', async () => {
    await inDirectory(async (directory) => {
      const run = join(directory, 'run');
      const entry = join(directory, 'daemon.mjs');
      writeFileSync(
        entry,
        `import { createServer } from 'node:http';
        const server = createServer((request, response) => {
          response.end(JSON.stringify(process.pid), () => { if (request.url === '/end') process.exit(0); });
        });
        server.listen(${JSON.stringify(`${run}/daemon.sock`)});`,
      );
      const clients = [1, 2, 3].map(() => new DaemonClient({ state: directory, run }, entry));
      const pids = await Promise.all(clients.map((client) => client.get('/pid')));
      assert.equal(new Set(pids).size, 1);
      await clients[0]?.get('/end');
    });
  });

  it('says what a daemon said that could not start, and nothing that an earlier one said', async () => {
    await inDirectory(async (directory) => {
      const run = join(directory, 'run');
      mkdirSync(run);
      writeFileSync(join(run, 'daemon.log'), 'an old message\n');
      const entry = join(directory, 'daemon.mjs');
      writeFileSync(entry, "console.error('cannot open records.db'); process.exit(3);");
      await assert.rejects(new DaemonClient({ state: directory, run }, entry).get('/x'), {
        code: 'daemon-unreachable',
        message: 'The daemon could not be started: it ended with 3\ncannot open records.db',
      });
    });
  });
});

describe('DaemonClient.events()', () => {
  it('ends without a word when it is to end, also before the daemon has answered', () =>
    withDaemon({ 'GET /v1/stacks/demo/events': () => undefined }, async (client) => {
      for (const signal of [AbortSignal.timeout(50), AbortSignal.abort()]) {
        for await (const event of client.events('demo', 0, signal)) assert.fail(JSON.stringify(event));
      }
    }));
});
