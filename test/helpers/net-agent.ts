import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Machine } from './machine.ts';

/** How long to wait for an answer before a packet counts as dropped; answers that do come take a millisecond. */
const PATIENCE_MS = { answer: 10_000, silence: 300 };

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Call extends Target {
  readonly udp: boolean;
  readonly patienceMs: number;
}

/** Someone in a network namespace who can listen and call. */
export interface Agent {
  /** Ports that it now listens on, TCP and UDP, both on every address. */
  listen(host?: string, port?: number): Promise<number>;
  listenUdp(host?: string, port?: number): Promise<number>;
  /** The address that the server saw, or the code of an error; `ETIMEDOUT` for silence. */
  call(target: Target): Promise<string>;
  callUdp(target: Target): Promise<string>;
  /** All at once, in their order. */
  callAll(calls: readonly Call[]): Promise<readonly string[]>;
  /** Sends a datagram from an address of choice; `sent`, or the code of an error. */
  send(from: string, target: Target): Promise<string>;
  /** Who sent datagrams to this one's UDP ports so far. */
  heard(): Promise<unknown>;
  /** Is there no answer? Waits a short while only. */
  isSilent(target: Target): Promise<boolean>;
  close(): Promise<void>;
}

/** Starts one on a machine, in one of its named namespaces if given. */
export function startAgent(machine: Machine, netns?: string): Agent {
  return startAgentBy((argv) => machine.argv(argv, netns));
}

/** Starts one in any place; `enter` makes of a command the one that runs it there. */
export function startAgentBy(enter: (argv: readonly string[]) => readonly string[]): Agent {
  const script = new URL('net-agent.mjs', import.meta.url).pathname;
  const [command = '', ...args] = enter([process.execPath, script]);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const ask = async (request: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value } = await answers.next();
    return JSON.parse(String(value)).result;
  };
  const port = async (request: object) => {
    const result = await ask(request);
    assert.equal(typeof result, 'number', `cannot listen: ${result}`);
    return Number(result);
  };
  return {
    listen: (host = '0.0.0.0', number = 0) => port({ do: 'listen', host, port: number }),
    listenUdp: (host = '0.0.0.0', number = 0) => port({ do: 'listenUdp', host, port: number }),
    call: async (target) => String(await ask({ do: 'call', ...target, patienceMs: PATIENCE_MS.answer })),
    callUdp: async (target) => String(await ask({ do: 'callUdp', ...target, patienceMs: PATIENCE_MS.answer })),
    callAll: async (calls) => (await ask({ do: 'callAll', calls })) as readonly string[],
    send: async (from, target) => String(await ask({ do: 'send', from, ...target })),
    heard: () => ask({ do: 'heard' }),
    async isSilent(target) {
      const request = { ...target, patienceMs: PATIENCE_MS.silence };
      return (await ask({ do: 'call', ...request })) === 'ETIMEDOUT';
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
