import type { Socket } from 'node:net';

/** How long a connection may say nothing. */
const IDLE_MS = 10_000;
/** Questions of one connection that are under way; more are read when these are answered. */
const MOST_QUESTIONS = 32;
const LENGTH_BYTES = 2;

/**
 * Questions over one TCP connection, each with its length before it. They are answered as the answers come, in whatever
 * order (RFC 7766, 6.2.1.1); the connection ends when the client has asked everything and nothing is under way.
 */
export class StreamConnection {
  readonly #socket: Socket;
  readonly #answer: (packet: Buffer) => Buffer | undefined | Promise<Buffer | undefined>;
  #received: Buffer = Buffer.alloc(0);
  #underWay = 0;
  #ended = false;

  constructor(socket: Socket, answer: (packet: Buffer) => Buffer | undefined | Promise<Buffer | undefined>) {
    this.#socket = socket;
    this.#answer = answer;
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#read();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#read();
    });
    socket.on('drain', () => this.#read());
  }

  #read(): void {
    while (this.#underWay < MOST_QUESTIONS && !this.#socket.writableNeedDrain) {
      if (this.#received.length < LENGTH_BYTES) break;
      const end = LENGTH_BYTES + this.#received.readUInt16BE(0);
      if (this.#received.length < end) break;
      const packet = this.#received.subarray(LENGTH_BYTES, end);
      this.#received = this.#received.subarray(end);
      void this.#handle(packet);
    }
    if (this.#ended && this.#underWay === 0) this.#socket.end();
    else if (this.#underWay >= MOST_QUESTIONS || this.#socket.writableNeedDrain) this.#socket.pause();
    else this.#socket.resume();
  }

  async #handle(packet: Buffer): Promise<void> {
    this.#underWay += 1;
    const answer = await this.#answer(packet);
    this.#underWay -= 1;
    if (this.#socket.destroyed) return;
    if (answer === undefined) {
      // Who sends what is no question has lost its place in the stream.
      this.#socket.destroy();
      return;
    }
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(answer.length);
    this.#socket.write(Buffer.concat([length, answer]));
    this.#read();
  }
}
