import { connect, type Server, type Socket } from 'node:net';
import type { ServedRelay } from '../../model/served.ts';
import { LOCAL, type Openers } from './openers.ts';
import type { Relay } from './relay.ts';

/** Connections of one port at the same time; each is two sockets. */
const MOST_CONNECTIONS = 2000;

/**
 * Takes TCP connections on an address of the machine and carries them to a container: each direction ends by itself, and nobody is
 * read faster than the other side takes it.
 */
export class TcpRelay implements Relay {
  target: ServedRelay['target'];
  readonly #address: string;
  readonly #port: number;
  readonly #openers: Openers;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor({ address, port, target }: ServedRelay, openers: Openers = LOCAL) {
    this.#openers = openers;
    this.#address = address;
    this.#port = port;
    this.target = target;
  }

  async open(): Promise<string | undefined> {
    if (this.#server !== undefined) return undefined;
    const server = await this.#openers.tcp(this.#address, this.#port);
    if (typeof server === 'string') return server;
    server.maxConnections = MOST_CONNECTIONS;
    server.on('connection', (client) => this.#carry(client));
    server.removeAllListeners('error').on('error', () => undefined);
    this.#server = server;
    return undefined;
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(client: Socket): void {
    const { address, port } = this.target;
    const container = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    for (const [socket, other] of [
      [client, container],
      [container, client],
    ] as const) {
      this.#sockets.add(socket);
      // Who was reset, or finds nobody there, sees the other side be reset.
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (!socket.readableEnded || !socket.writableFinished) other.destroy();
      });
    }
    container.once('connect', () => {
      client.pipe(container);
      container.pipe(client);
      client.resume();
    });
  }
}
