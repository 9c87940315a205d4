import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { containerPaths } from '../../src/store/paths.ts';
import { TSSTACK } from '../helpers/client.ts';
import { type FakeDaemon, fakeDaemon, json } from './fake-daemon.ts';

const KEY = { stack: 'demo', service: 'web', index: 1 };
const ADDRESS = 'service.web[1]';

/** A stack of one service, whose container the test lets write and end. */
interface Demo {
  readonly daemon: FakeDaemon;
  readonly log: string;
  /** Resolves when `up` has started the container. */
  readonly running: Promise<void>;
  readonly end: (exitCode: number) => void;
}

type OnStop = (demo: Demo, body: { readonly timeoutMs?: number }, response: ServerResponse) => void;

async function demoStack(onStop: OnStop): Promise<Demo> {
  let status = 'exited';
  let code: number | undefined;
  let events: ServerResponse | undefined;
  const started = Promise.withResolvers<void>();
  const daemon = await fakeDaemon({
    'POST /v1/up': (_body, response) => {
      const step = {
        id: 's',
        type: 'start-container',
        address: ADDRESS,
        spec: { key: KEY },
        dependsOn: [],
        waitFor: [],
      };
      const plan = { stack: 'demo', changes: [], steps: [step], conflicts: [], warnings: [], orphans: [] };
      response.write(line({ type: 'plan', plan }));
      response.write(line({ type: 'step-started', step: 's', stepType: step.type, address: ADDRESS }));
      status = 'running';
      response.end(line({ type: 'done', result: { stack: 'demo', services: ['web'], unattached: [], jobs: [] } }));
    },
    'POST /v1/containers': (_body, response) => {
      json(response, [{ ...KEY, name: 'demo-web-1', status, exitCode: code, logPath: log }]);
      if (status === 'running') started.resolve();
    },
    'POST /v1/stop': (body, response) => onStop(demo, body as object, response),
    'GET /v1/stacks/demo/events': (_body, response) => {
      response.flushHeaders();
      events = response;
      // As the daemon does, what happened before the client listened is told again.
      if (code !== undefined) response.write(exitLine(code));
    },
  });
  const { log } = containerPaths(daemon.paths, KEY);
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, 'from an earlier run\n');
  const end = (exitCode: number): void => {
    status = 'exited';
    code = exitCode;
    events?.write(exitLine(exitCode));
  };
  const demo: Demo = { daemon, log, running: started.promise, end };
  return demo;
}

function exitLine(exitCode: number): string {
  return line({ address: ADDRESS, event: 'exit', exitCode });
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** A client in the foreground, with what it has printed until now. */
class Client {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  #printed = Promise.withResolvers<void>();

  constructor({ paths }: FakeDaemon, argv: readonly string[]) {
    const env = { PATH: process.env['PATH'], TSSTACK_RUN_DIR: paths.run, TSSTACK_STATE_DIR: paths.state };
    this.child = spawn(TSSTACK, argv, { env });
    this.child.stdout?.on('data', (bytes) => this.#add('stdout', bytes));
    this.child.stderr?.on('data', (bytes) => this.#add('stderr', bytes));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => resolve(code));
    });
  }

  async until(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    while (!this[stream].includes(text)) await this.#printed.promise;
  }

  #add(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    this[stream] += bytes.toString();
    this.#printed.resolve();
    this.#printed = Promise.withResolvers();
  }
}

describe('up in the foreground', () => {
  it('shows what the container writes from this start on, and ends with the last container', async () => {
    const demo = await demoStack(() => {});
    try {
      const client = new Client(demo.daemon, ['up']);
      await demo.running;
      appendFileSync(demo.log, 'hello\nlast words');
      await client.until('stdout', 'hello\n');
      demo.end(3);
      assert.equal(await client.ended, 0);
      assert.equal(client.stdout, 'web-1  | hello\nweb-1  | last words\n');
      assert.match(client.stderr, /web-1 exited with code 3\n$/);
    } finally {
      await demo.daemon.close();
    }
  });

  it('stops in order at the first Ctrl-C, kills at the second, and ends with 130', async () => {
    const stops: ServerResponse[] = [];
    const timeouts: (number | undefined)[] = [];
    const demo = await demoStack((self, { timeoutMs }, response) => {
      timeouts.push(timeoutMs);
      stops.push(response);
      // The container heeds nothing but SIGKILL; with it both requests come to their end.
      if (timeoutMs !== 0) return;
      self.end(137);
      for (const each of stops) each.end(line({ type: 'done', result: {} }));
    });
    try {
      const client = new Client(demo.daemon, ['up']);
      await demo.running;
      appendFileSync(demo.log, 'hello\n');
      await client.until('stdout', 'hello\n');
      client.child.kill('SIGINT');
      await client.until('stderr', 'Stopping… (Ctrl-C again to kill)');
      client.child.kill('SIGINT');
      assert.equal(await client.ended, 130);
      assert.match(client.stderr, /Killing…/);
      assert.deepEqual(timeouts.sort(), [0, undefined]);
    } finally {
      await demo.daemon.close();
    }
  });

  it('shows nothing of services that --no-attach names', async () => {
    const demo = await demoStack(() => {});
    try {
      const client = new Client(demo.daemon, ['up', '--no-attach', 'web']);
      await demo.running;
      appendFileSync(demo.log, 'hello\n');
      demo.end(0);
      assert.equal(await client.ended, 0);
      assert.equal(client.stdout, '');
    } finally {
      await demo.daemon.close();
    }
  });
});

describe('up that is being applied', () => {
  it('asks the daemon to cancel at Ctrl-C, by the id of its own request', async () => {
    const ids: unknown[] = [];
    let up: ServerResponse | undefined;
    const daemon = await fakeDaemon({
      'POST /v1/up': (body, response) => {
        ids.push((body as { requestId: string }).requestId);
        response.write(line({ type: 'warning', message: 'applying' }));
        up = response;
      },
      'POST /v1/cancel': (body, response) => {
        ids.push((body as { requestId: string }).requestId);
        json(response, {});
        up?.end(line({ type: 'failed', error: { code: 'cancelled', message: 'up was cancelled' } }));
      },
    });
    try {
      const client = new Client(daemon, ['up', '-d']);
      await client.until('stderr', 'applying');
      client.child.kill('SIGINT');
      assert.equal(await client.ended, 130);
      assert.match(client.stderr, /Cancelling…[\s\S]*up was cancelled/u);
      assert.equal(ids.length, 2);
      assert.equal(ids[0], ids[1]);
    } finally {
      await daemon.close();
    }
  });
});
