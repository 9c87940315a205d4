import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import type { SocketReply, SocketRequest } from '../model/rootless.ts';

/**
 * Gives `child`, which is in the namespaces, sockets of the machine's own network: a socket stays in the network that it
 * was opened in, whoever holds it. So published ports go on when we, or the daemon, are gone.
 */
export function giveSockets(child: ChildProcess): void {
  child.on('message', (message) => {
    const request = message as SocketRequest;
    if (request.protocol === 'tcp') giveServer(child, request);
    else giveDatagramSocket(child, request);
  });
}

function giveServer(child: ChildProcess, { open, address, port }: SocketRequest): void {
  // Who comes in the moment before it is handed over is sent away.
  const server = createServer((early) => early.resetAndDestroy());
  server.once('error', (error) => refuse(child, open, error));
  server.listen({ host: address, port, ipv6Only: isIPv6(address), exclusive: true }, () => {
    const reply: SocketReply = { opened: open };
    child.send(reply, server, () => server.close());
  });
}

function giveDatagramSocket(child: ChildProcess, { open, address, port }: SocketRequest): void {
  const six = isIPv6(address);
  const socket = createSocket({ type: six ? 'udp6' : 'udp4', ipv6Only: six });
  socket.once('error', (error) => {
    refuse(child, open, error);
    socket.close();
  });
  socket.bind({ address, port, exclusive: true }, () => {
    const reply: SocketReply = { opened: open };
    child.send(reply, socket, () => socket.close());
  });
}

function refuse(child: ChildProcess, open: number, error: Error): void {
  const reply: SocketReply = { opened: open, code: 'code' in error ? String(error.code) : error.message };
  child.send(reply);
}
