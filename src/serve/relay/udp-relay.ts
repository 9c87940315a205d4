import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ServedRelay } from '../../model/served.ts';
import { asItIs, ignore } from '../sockets.ts';
import { LOCAL, type Openers } from './openers.ts';
import type { Relay } from './relay.ts';

/** As long as docker-proxy keeps one (UDPConnTrackTimeout). */
const IDLE_MS = 90_000;
const SWEEP_MS = 10_000;
const MOST_FLOWS = 1000;

interface Flow {
  /** Connected to the container: what comes from elsewhere the kernel drops. */
  readonly socket: Socket;
  lastMs: number;
}

/** Takes datagrams on an address of the machine; every sender has a socket to the container, by which answers find back to it. */
export class UdpRelay implements Relay {
  target: ServedRelay['target'];
  readonly #address: string;
  readonly #port: number;
  readonly #idleMs: number;
  readonly #openers: Openers;
  readonly #flows = new Map<string, Flow>();
  #socket: Socket | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor({ address, port, target }: ServedRelay, idleMs = IDLE_MS, openers: Openers = LOCAL) {
    this.#openers = openers;
    this.#address = address;
    this.#port = port;
    this.target = target;
    this.#idleMs = idleMs;
  }

  async open(): Promise<string | undefined> {
    if (this.#socket !== undefined) return undefined;
    const socket = await this.#openers.udp(this.#address, this.#port);
    if (typeof socket === 'string') return socket;
    socket.removeAllListeners('error').on('error', () => undefined);
    socket.on('message', (data, from) => this.#take(socket, data, from));
    this.#socket = socket;
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(SWEEP_MS, this.#idleMs));
    return undefined;
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#socket?.close();
    this.#socket = undefined;
    for (const key of [...this.#flows.keys()]) this.#end(key);
  }

  /** Flows that there are. */
  get size(): number {
    return this.#flows.size;
  }

  #take(listener: Socket, data: Buffer, from: { readonly address: string; readonly port: number }): void {
    const key = `${from.address} ${from.port}`;
    const flow = this.#flows.get(key);
    if (flow !== undefined) {
      flow.lastMs = performance.now();
      flow.socket.send(data, ignore);
      return;
    }
    if (this.#flows.size >= MOST_FLOWS) this.#endOldest();
    const socket = createSocket({ type: isIPv6(this.target.address) ? 'udp6' : 'udp4', lookup: asItIs });
    const begun: Flow = { socket, lastMs: performance.now() };
    this.#flows.set(key, begun);
    // Nobody listens in the container: there is nothing to carry back.
    socket.on('error', () => this.#end(key));
    socket.on('message', (answer) => {
      begun.lastMs = performance.now();
      if (this.#socket === listener) listener.send(answer, from.port, from.address, ignore);
    });
    socket.connect(this.target.port, this.target.address, () => socket.send(data, ignore));
  }

  #endIdle(): void {
    const limit = performance.now() - this.#idleMs;
    for (const [key, { lastMs }] of this.#flows) if (lastMs <= limit) this.#end(key);
  }

  #endOldest(): void {
    const [oldest] = [...this.#flows].sort(([, left], [, right]) => left.lastMs - right.lastMs);
    if (oldest !== undefined) this.#end(oldest[0]);
  }

  #end(key: string): void {
    const flow = this.#flows.get(key);
    if (flow === undefined) return;
    this.#flows.delete(key);
    flow.socket.removeAllListeners().on('error', ignore);
    flow.socket.close();
  }
}
