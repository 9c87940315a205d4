import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import type { SocketReply, SocketRequest } from '../../model/rootless.ts';
import { asItIs } from '../sockets.ts';
import { codeOf } from './relay.ts';

/** Opens sockets of the machine for published ports. Each gives why it cannot be had (`EADDRINUSE`, …) instead. */
export interface Openers {
  readonly tcp: (address: string, port: number) => Promise<Server | string>;
  readonly udp: (address: string, port: number) => Promise<DatagramSocket | string>;
}

/** Paused: what a client says waits until the container has taken the connection. */
const SERVER_OPTIONS = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };

/** In our own network, which is the machine's. */
export const LOCAL: Openers = {
  tcp: (address, port) => {
    const server = createServer(SERVER_OPTIONS);
    return new Promise((resolve) => {
      server.once('error', (error) => resolve(codeOf(error)));
      server.listen({ host: address, port, ipv6Only: true, exclusive: true }, () => resolve(server));
    });
  },
  udp: (address, port) => {
    const socket = createSocket({ type: 'udp6', ipv6Only: true, lookup: asItIs });
    return new Promise((resolve) => {
      socket.once('error', (error) => {
        socket.removeAllListeners().on('error', () => undefined);
        socket.close();
        resolve(codeOf(error));
      });
      socket.bind({ address, port, exclusive: true }, () => resolve(socket));
    });
  },
};

/** Those of whoever has started us, outside of the namespaces of an ordinary user. undefined: nobody could give any. */
export function openersOfParent(): Openers | undefined {
  if (process.send === undefined) return undefined;
  const waiting = new Map<number, (found: Server | DatagramSocket | string) => void>();
  let last = 0;
  process.on('message', (message, socket) => {
    const { opened, code } = message as SocketReply;
    waiting.get(opened)?.(code ?? (socket as Server | DatagramSocket));
    waiting.delete(opened);
  });
  // What we have stays ours. What we have not, another one of us is to get from another parent.
  process.on('disconnect', () => {
    for (const tell of waiting.values()) tell('EPIPE');
    waiting.clear();
  });
  const ask = (request: Omit<SocketRequest, 'open'>): Promise<Server | DatagramSocket | string> => {
    if (process.send === undefined || !process.connected) process.exit(0);
    last += 1;
    const open = last;
    return new Promise((resolve) => {
      waiting.set(open, resolve);
      process.send?.({ ...request, open } satisfies SocketRequest);
    });
  };
  return {
    tcp: async (address, port) => {
      const found = (await ask({ protocol: 'tcp', address, port })) as Server | string;
      return typeof found === 'string' ? found : Object.assign(found, SERVER_OPTIONS);
    },
    udp: async (address, port) => (await ask({ protocol: 'udp', address, port })) as DatagramSocket | string,
  };
}
