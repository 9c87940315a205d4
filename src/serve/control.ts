import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import type { ServeReply, ServeRequest } from '../model/served.ts';
import type { Serve } from './serve.ts';

/** Longer than anything that the daemon says at once. */
const MOST_LINE_BYTES = 64 * 2 ** 20;
/** How long the daemon that has started us may take to say something. */
const FIRST_WORD_MS = 10_000;

/**
 * What the daemon says, over a socket that only root and we reach: requests as lines of JSON, done one after the other
 * and answered when they are in force. `end` is called when we are to end: because we are told so, or because nobody
 * who could tell us is there and there is nothing to serve. Rejects where the socket cannot be had.
 */
export async function control(path: string, serve: Serve, end: () => void): Promise<void> {
  if (await answers(path)) throw new Error(`another one answers on ${path}`);
  rmSync(path, { force: true });
  const clients = new Set<Socket>();
  let queue: Promise<void> = Promise.resolve();
  const endIfAlone = (): void => {
    if (clients.size === 0 && serve.idle) end();
  };
  const handle = async (request: ServeRequest, socket: Socket): Promise<void> => {
    // There is one daemon, and this is what it begins with; the directory is closed to all others by then.
    if (request.anew === true) for (const other of clients) if (other !== socket) other.destroy();
    const failed = await serve.apply(request);
    const reply: ServeReply = { id: request.id, pid: process.pid, failed };
    const line = `${JSON.stringify(reply)}\n`;
    if (request.end === true) socket.end(line, end);
    else socket.write(line);
  };
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clients.delete(socket);
      endIfAlone();
    });
    readLines(socket, (line) => {
      const request = JSON.parse(line) as ServeRequest;
      queue = queue.then(() => handle(request, socket));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, resolve);
  });
  setTimeout(endIfAlone, FIRST_WORD_MS);
}

function readLines(socket: Socket, take: (line: string) => void): void {
  let chunks: Buffer[] = [];
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    for (let rest = chunk; rest.length > 0; ) {
      const at = rest.indexOf(0x0a);
      const part = at === -1 ? rest : rest.subarray(0, at);
      chunks.push(part);
      size += part.length;
      if (size > MOST_LINE_BYTES) return socket.destroy();
      if (at === -1) return;
      take(Buffer.concat(chunks).toString());
      chunks = [];
      size = 0;
      rest = rest.subarray(at + 1);
    }
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const tell = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => tell(true)).once('error', () => tell(false));
  });
}
