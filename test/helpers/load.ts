import { Agent, get } from 'node:http';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 5000;

/** An IPv4 address of the host besides 127.0.0.1, of no bridge of ours. */
export function hostAddress(): string | undefined {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith('ts-'))
    .flatMap(([, addresses]) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** Clients that ask without a pause, some with a connection per request and some that keep theirs. */
export class Load {
  /** Answers so far, by their text. */
  readonly answers = new Map<string, number>();
  readonly failures: string[] = [];
  #stopped = false;
  readonly #clients: readonly Promise<void>[];

  constructor(urls: readonly string[]) {
    this.#clients = urls.flatMap((url) => [
      ...Array.from({ length: 3 }, () => this.#client(url, new Agent({ keepAlive: false }))),
      ...Array.from({ length: 2 }, () => this.#client(url, new Agent({ keepAlive: true, maxSockets: 1 }))),
    ]);
  }

  get requests(): number {
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #client(url: string, agent: Agent): Promise<void> {
    while (!this.#stopped) {
      try {
        const answer = await ask(url, agent);
        this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
      } catch (error) {
        this.failures.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
        await sleep(20);
      }
    }
    agent.destroy();
  }
}

function ask(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
    request.on('error', reject);
  });
}
