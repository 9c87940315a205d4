import { connect, type Socket } from 'node:net';
import { deadline } from '../lib/deadline.ts';
import type { ServeReply, ServeRequest } from '../model/served.ts';

/** An answer takes a millisecond; a process that is stopped has none. */
const DEADLINE_MS = 5000;

/** A connection to the process that answers while the daemon is away. Can be closed twice. */
export class ServeLink {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (reply: ServeReply) => void; reject: (error: Error) => void }>();
  #received = '';
  #lastId = 0;
  #pid = 0;

  /** `lost`: it has ended, or was closed. */
  constructor(socket: Socket, lost: () => void) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('it has ended'));
      this.#waiting.clear();
      lost();
    });
    // It alone keeps no daemon.
    socket.unref();
  }

  /** 0 before its first answer. */
  get pid(): number {
    return this.#pid;
  }

  /** Rejects where it has ended, or says nothing within 5 s. */
  async request(request: Omit<ServeRequest, 'id'>): Promise<ServeReply> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<ServeReply>();
    if (this.#socket.destroyed) throw new Error('it has ended');
    this.#waiting.set(id, { resolve, reject });
    const forget = deadline(DEADLINE_MS, () => reject(new Error(`it has not answered within ${DEADLINE_MS / 1000} s`)));
    this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
    try {
      const reply = await promise;
      this.#pid = reply.pid;
      return reply;
    } finally {
      forget();
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    const lines = (this.#received + text).split('\n');
    this.#received = lines.pop() ?? '';
    for (const line of lines) {
      const reply = JSON.parse(line) as ServeReply;
      this.#waiting.get(reply.id)?.resolve(reply);
    }
  }
}

/** undefined: nobody listens there. */
export function connectTo(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', () => resolve(undefined));
  });
}
