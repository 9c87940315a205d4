import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Many more than clients that are at work; what they cost is bounded by this. */
const MOST_WAITING = 256;

/**
 * The connections of a server on which no request is being answered: none has come, or not all of it. When there are too many the one that has waited
 * longest is closed: whoever opens connections and says nothing pushes out his own, and nobody who asks is refused.
 */
export class Connections {
  readonly #waiting = new Set<Socket>();

  add(socket: Socket): void {
    socket.once('close', () => this.#waiting.delete(socket));
    this.#wait(socket);
  }

  /** A request has come whole; until it has been answered its connection is not one that waits. */
  asks({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#waiting.delete(socket);
    response.once('close', () => this.#wait(socket));
  }

  #wait(socket: Socket): void {
    if (socket.destroyed) return;
    this.#waiting.add(socket);
    const [oldest] = this.#waiting;
    if (this.#waiting.size > MOST_WAITING) oldest?.destroy();
  }
}
