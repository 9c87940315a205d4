import { askLine } from '../lib/ask-line.ts';
import { type OutsideReply, type OutsideRequest, outsideSocket, type Rootless } from '../model/rootless.ts';

/** The daemon of an ordinary user and the process outside of its namespaces (src/outside). */
export class OutsideLink {
  readonly rootless: Rootless;

  constructor(rootless: Rootless) {
    this.rootless = rootless;
  }

  /** Starts `tsstack serve` with sockets of the machine's network at hand. */
  readonly startServe = async (argv: readonly string[]): Promise<'ready' | number | string> => {
    const reply = await this.#ask({ ask: 'serve', argv });
    return 'ready' in reply ? 'ready' : 'ended' in reply ? reply.ended : 'what is outside did not start it';
  };

  /** What listens on the machine: `ss -Hlntup`. Empty where nobody tells. */
  async listeners(): Promise<string> {
    const reply = await this.#ask({ ask: 'listeners' });
    return 'text' in reply ? reply.text : '';
  }

  async #ask(request: OutsideRequest): Promise<OutsideReply> {
    const reply = (await askLine(outsideSocket(this.rootless.outside), request)) as OutsideReply | undefined;
    if (reply === undefined)
      throw new Error('what holds the ports of this user is gone; any tsstack command starts it');
    if ('failed' in reply) throw new Error(reply.failed);
    return reply;
  }
}
