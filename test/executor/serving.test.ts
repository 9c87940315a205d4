import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { served } from '../../src/executor/served.ts';
import { type ServeHost, Serving } from '../../src/executor/serving.ts';
import { connectTo } from '../../src/host/serve-link.ts';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { ServeReply, ServeRequest } from '../../src/model/served.ts';
import { Database } from '../../src/store/database.ts';
import { type ContainerRecord, Records } from '../../src/store/records.ts';
import { containerOf, endpointOf, keyOf, networkOf } from '../network/fixtures.ts';

const front = networkOf('front', '10.71.1.0/24');
const back = networkOf('back', '10.71.2.0/24', { internal: true });

function specOf(more: Partial<ContainerSpec>): ContainerSpec {
  return containerOf({ ports: [], dns: [], extraHosts: [], ...more });
}

function record(service: string, more: Partial<ContainerRecord> = {}): ContainerRecord {
  const key = keyOf(service);
  return {
    key,
    spec: specOf({ key, name: `demo-${service}-1` }),
    endpoints: [endpointOf(key, front, '10.71.1.2/24', { names: [service] })],
    ports: [],
    createdAtMs: 0,
    run: 1,
    oomKilled: false,
    oomKillsBefore: 0,
    stoppedByUser: false,
    restarts: 0,
    ...more,
  };
}

/** Stands for the process: keeps what it is told, and answers unless it is to hang. */
class Process implements ServeHost {
  readonly directory = mkdtempSync(join(tmpdir(), 'serving-'));
  readonly told: ServeRequest[] = [];
  starts = 0;
  removals = 0;
  hangs = false;
  failed: ServeReply['failed'] = [];
  #server: Server | undefined;
  #sockets: Socket[] = [];

  get #path(): string {
    return join(this.directory, 'socket');
  }

  find(): Promise<Socket | undefined> {
    return connectTo(this.#path);
  }

  async start(): Promise<Socket> {
    this.starts += 1;
    this.#server = createServer((socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        for (const line of String(chunk).trim().split('\n')) {
          const request = JSON.parse(line) as ServeRequest;
          this.told.push(request);
          const reply: ServeReply = { id: request.id, pid: 77, failed: this.failed };
          if (!this.hangs) socket.write(`${JSON.stringify(reply)}\n`);
          if (request.end === true) this.die();
        }
      });
    });
    await new Promise<void>((done) => this.#server?.listen(this.#path, done));
    const socket = await this.find();
    assert.ok(socket);
    return socket;
  }

  die(): void {
    this.#server?.close();
    for (const socket of this.#sockets.splice(0)) socket.end();
  }

  remove(): void {
    this.removals += 1;
    this.hangs = false;
    this.die();
  }
}

async function withServing(body: (it: { process: Process; records: Records; serving: Serving }) => Promise<void>) {
  const process = new Process();
  const records = new Records(Database.open(':memory:').database);
  const serving = new Serving(process, records, { warn: () => undefined, rootless: false });
  try {
    await body({ process, records, serving });
  } finally {
    await serving.end();
    process.die();
    rmSync(process.directory, { recursive: true });
  }
}

test('the process is started when somebody runs who may ask, and told what has changed only', () =>
  withServing(async ({ process, records, serving }) => {
    records.networks.put(front);
    records.containers.put(record('web', { run: 0 }));
    await serving.update();
    assert.equal(process.starts, 0, 'nobody runs');

    records.updateContainer(keyOf('web'), { run: 1 });
    await Promise.all([serving.update(), serving.update(), serving.update()]);
    assert.equal(process.starts, 1);
    assert.deepEqual(
      process.told.map(({ anew }) => anew),
      [true],
      'once for all who asked',
    );
    assert.equal(serving.pid, 77);

    await serving.update();
    assert.equal(process.told.length, 1, 'nothing is new');
    records.containers.put(record('db'));
    records.updateContainer(keyOf('web'), { finishedAtMs: 5 });
    await serving.update();
    const { containers = {}, networks, anew } = process.told[1] ?? {};
    assert.deepEqual(
      [Object.keys(containers).sort(), networks, anew],
      [['demo.db.1', 'demo.web.1'], undefined, undefined],
    );
    assert.equal(containers['demo.web.1']?.running, false);
    records.containers.delete('demo.db.1');
    await serving.update();
    assert.deepEqual(process.told[2]?.containers, { 'demo.db.1': null });
  }));

test('a process that has died, or hangs, is followed by one that is told everything', () =>
  withServing(async ({ process, records, serving }) => {
    records.networks.put(front);
    records.containers.put(record('web'));
    await serving.update();
    process.die();
    while (process.starts < 2) await new Promise((resolve) => setImmediate(resolve));
    await serving.update();
    assert.deepEqual(
      process.told.map(({ anew }) => anew),
      [true, true],
    );

    process.hangs = true;
    records.containers.put(record('db'));
    await serving.update();
    assert.equal(process.removals, 1);
    assert.deepEqual([process.starts, process.told.at(-1)?.anew], [3, true]);
    assert.deepEqual(Object.keys(process.told.at(-1)?.containers ?? {}), ['demo.db.1', 'demo.web.1']);
  }));

test('a gateway that it cannot have is not one to ask, until it has it', () =>
  withServing(async ({ process, records, serving }) => {
    records.networks.put(front);
    records.containers.put(record('web'));
    process.failed = [{ use: 'names', protocol: 'udp', address: '10.71.1.1', port: 53, code: 'EADDRINUSE' }];
    await serving.update();
    assert.deepEqual([serving.answers('10.71.1.1'), serving.answers('10.71.2.1')], [false, true]);
    process.failed = [];
    await serving.update();
    assert.equal(serving.answers('10.71.1.1'), true);
  }));

test('served() says who runs, where names of others may be asked for, and which ports SRV finds', () => {
  const records = new Records(Database.open(':memory:').database);
  records.networks.put(front);
  records.networks.put(back);
  const key = keyOf('db');
  records.containers.put(
    record('db', {
      endpoints: [endpointOf(key, back, '10.71.2.3/24', { names: ['db'] })],
      spec: specOf({
        key,
        ports: [{ protocol: 'tcp', target: 80, name: 'Web', appProtocol: 'http' }],
        expose: ['53/udp', '8000-8001', 'nonsense'],
      }),
    }),
  );
  records.containers.put(record('next', { role: 'standby' }));
  records.containers.put(record('host', { spec: specOf({ networkMode: { type: 'host' } }) }));
  const { containers, networks } = served(records);
  assert.deepEqual(
    networks.map(({ gateways }) => gateways),
    [['10.71.2.1'], ['10.71.1.1']],
  );
  assert.deepEqual(Object.keys(containers), ['demo.db.1', 'demo.next.1']);
  assert.deepEqual([containers['demo.db.1']?.forwards, containers['demo.next.1']?.forwards], [false, true]);
  assert.equal(containers['demo.next.1']?.running, false);
  assert.deepEqual(
    containers['demo.db.1']?.ports.map(({ names, protocol }) => `${names} ${protocol}`),
    ['80,web,http tcp', '53 udp', '8000 tcp', '8001 tcp'],
  );
});
