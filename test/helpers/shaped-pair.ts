import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { netnsName } from '../../src/model/address.ts';
import type { LinkShape } from '../../src/model/shape.ts';
import { createNetwork, prepareHost } from '../../src/network/bridge.ts';
import type { BridgeEndpoint } from '../../src/network/bridge-endpoint.ts';
import { createSandbox } from '../../src/network/endpoint.ts';
import { reshapeEndpoints } from '../../src/network/shaped-links.ts';
import { endpointOf, keyOf, networkOf } from '../network/fixtures.ts';
import { Machine } from './machine.ts';

const METER = new URL('net-meter.mjs', import.meta.url).pathname;
const PORT = 7000;
const WEB = '10.72.1.2';
const front = networkOf('front', '10.72.1.0/24');

type Meter = ChildProcessByStdio<Writable, Readable, null>;

/** What `ping` of the meter found. */
export interface Pinged {
  readonly sent: number;
  readonly answered: number;
  readonly replies: number;
  readonly late: number;
  readonly wrong: number;
  readonly leastMs: number;
  readonly medianMs: number;
}

/** Two containers of a machine of its own; `db` measures what it gets from `web`, whose link is shaped. */
export class ShapedPair {
  readonly key = keyOf('web');
  readonly machine: Machine;
  endpoint: BridgeEndpoint = endpointOf(this.key, front, `${WEB}/24`);
  readonly #meters: Meter[] = [];
  #client: Meter | undefined;
  #answers: AsyncIterator<string> | undefined;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  static async start(): Promise<ShapedPair> {
    const pair = new ShapedPair(await Machine.fresh());
    const { machine } = pair;
    const db = keyOf('db');
    await machine.perform([...prepareHost(), ...createNetwork(front)]);
    await machine.perform(createSandbox(pair.key, [pair.endpoint]));
    await machine.perform(createSandbox(db, [endpointOf(db, front, '10.72.1.3/24')]));
    const server = pair.#spawn(netnsName(pair.key), 'serve', String(PORT));
    assert.equal((await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next()).value, 'ready');
    pair.#client = pair.#spawn(netnsName(db), 'ask');
    pair.#answers = createInterface({ input: pair.#client.stdout })[Symbol.asyncIterator]();
    return pair;
  }

  async close(): Promise<void> {
    for (const each of this.#meters) each.kill();
    await this.machine.close();
  }

  async shape(shape: LinkShape): Promise<void> {
    const wanted = { ...this.endpoint, shape };
    await this.machine.perform(reshapeEndpoints(this.key, [this.endpoint], [wanted]));
    this.endpoint = wanted;
  }

  /** What web gets is inbound, its answers are outbound. */
  ping(count: number, gapMs = 5, waitMs = 800): Promise<Pinged> {
    return this.#ask('ping', WEB, PORT, count, gapMs, waitMs);
  }

  /** Bits in a second that web gets. */
  async push(): Promise<number> {
    return (await this.#ask<{ bits: number }>('push', WEB, PORT)).bits;
  }

  /** Bits in a second that web sends. */
  async pull(): Promise<number> {
    return (await this.#ask<{ bits: number }>('pull', WEB, PORT, 1000)).bits;
  }

  async #ask<Found>(...words: readonly (string | number)[]): Promise<Found> {
    this.#client?.stdin.write(`${words.join(' ')}\n`);
    const { value } = (await this.#answers?.next()) ?? {};
    return JSON.parse(String(value)) as Found;
  }

  #spawn(netns: string, ...words: readonly string[]): Meter {
    const [command = '', ...args] = this.machine.argv([process.execPath, METER, ...words], netns);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#meters.push(child);
    return child;
  }
}
