import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { FailedSocket } from '../../model/served.ts';
import { asItIs, ignore } from '../sockets.ts';
import { StreamConnection } from './stream.ts';

/** Answers one packet; undefined: it stays unanswered. */
export type Answer = (
  packet: Buffer,
  from: string,
  stream: boolean,
) => Buffer | undefined | Promise<Buffer | undefined>;

const MOST_CONNECTIONS = 256;
const MOST_CONNECTIONS_PER_CLIENT = 16;

/** UDP and TCP on one address. Can be closed twice. */
export class Listener {
  readonly address: string;
  readonly #port: number;
  readonly #answer: Answer;
  #datagrams: Datagrams | undefined;
  #server: Server | undefined;
  readonly #connections = new Map<Socket, string>();

  constructor(address: string, answer: Answer, port = 53) {
    this.address = address;
    this.#answer = answer;
    this.#port = port;
  }

  /** Opens what is not open yet. Gives what could not be opened: it can be tried again. */
  async open(): Promise<readonly FailedSocket[]> {
    const [udp, tcp] = await Promise.all([this.#openDatagrams(), this.#openServer()]);
    return [
      ...(udp === undefined ? [] : [this.#failed('udp', udp)]),
      ...(tcp === undefined ? [] : [this.#failed('tcp', tcp)]),
    ];
  }

  close(): void {
    this.#datagrams?.close();
    this.#datagrams = undefined;
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #failed(protocol: 'udp' | 'tcp', code: string): FailedSocket {
    return { use: 'names', protocol, address: this.address, port: this.#port, code };
  }

  async #openDatagrams(): Promise<string | undefined> {
    if (this.#datagrams !== undefined) return undefined;
    const first = await this.#bind(false);
    // A program that listens on every address and lets others share the port (SO_REUSEADDR) leaves us this one.
    const opened = first === 'EADDRINUSE' ? await this.#bind(true) : first;
    if (typeof opened === 'string') return opened;
    this.#datagrams = opened;
    return undefined;
  }

  #bind(reuseAddr: boolean): Promise<Datagrams | string> {
    const isV6 = isIPv6(this.address);
    const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6, reuseAddr, lookup: asItIs });
    return new Promise((resolve) => {
      socket.once('error', (error) => {
        socket.removeAllListeners().on('error', () => undefined);
        socket.close();
        resolve(codeOf(error));
      });
      socket.bind({ address: this.address, port: this.#port, exclusive: true }, () => {
        // What is told later are answers that could not be delivered.
        socket.removeAllListeners('error').on('error', () => undefined);
        socket.on('message', (packet, { address, port }) => this.#receive(socket, packet, { address, port }));
        resolve(socket);
      });
    });
  }

  #receive(socket: Datagrams, packet: Buffer, from: { readonly address: string; readonly port: number }): void {
    const answer = this.#answer(packet, from.address, false);
    if (answer === undefined) return;
    if (answer instanceof Promise) {
      void answer.then((bytes) => {
        // Its socket may have been closed meanwhile.
        if (bytes !== undefined && this.#datagrams === socket) socket.send(bytes, from.port, from.address, ignore);
      });
      return;
    }
    socket.send(answer, from.port, from.address, ignore);
  }

  #openServer(): Promise<string | undefined> {
    if (this.#server !== undefined) return Promise.resolve(undefined);
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    return new Promise((resolve) => {
      server.once('error', (error) => resolve(codeOf(error)));
      server.listen({ host: this.address, port: this.#port, ipv6Only: true, exclusive: true }, () => {
        server.removeAllListeners('error').on('error', () => undefined);
        this.#server = server;
        resolve(undefined);
      });
    });
  }

  #accept(socket: Socket): void {
    const from = socket.remoteAddress ?? '';
    const mine = [...this.#connections.values()].filter((each) => each === from).length;
    if (this.#connections.size >= MOST_CONNECTIONS || mine >= MOST_CONNECTIONS_PER_CLIENT) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, from);
    socket.once('close', () => this.#connections.delete(socket));
    new StreamConnection(socket, (packet) => this.#answer(packet, from, true));
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message;
}
