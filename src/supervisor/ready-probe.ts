import type { MachineContext } from '../executor/context.ts';
import type { ProbeResult } from '../host/host.ts';
import { LineMatcher } from '../log/line-matcher.ts';
import type { Healthcheck, ReadyTest } from '../model/stack.ts';
import { type Listening, listeningOn } from '../network/listening.ts';
import { fileLook, httpLook, type Look } from '../runtime/ready-program.ts';
import { containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';

const LOOPBACK4 = Uint8Array.of(127, 0, 0, 1);
const LOOPBACK6 = Uint8Array.of(...Array.from({ length: 15 }, () => 0), 1);
const OUTPUT_BYTES = 64;

export interface Asked {
  readonly record: ContainerRecord;
  /** Host pid of the container's pid 1. */
  readonly pid: number;
  readonly check: Healthcheck;
  readonly signal: AbortSignal;
}

/** Looks whether what `x-ready` names is there, from outside and inside the container's namespaces. One for each run. */
export class ReadyProbe {
  readonly #context: MachineContext;
  readonly #lines = new Map<string, LineMatcher>();
  /** Its lines were seen by an earlier daemon. */
  readonly #seen: boolean;

  constructor(context: MachineContext, seen: boolean) {
    this.#context = context;
    this.#seen = seen;
  }

  /** Status 0: all of it is there; 1: the first that is not, in words. */
  async ask(asked: Asked): Promise<ProbeResult> {
    const said: string[] = [];
    for (const test of asked.check.ready ?? []) {
      const { ready, words } = await this.#look(test, asked);
      said.push(`${test.type}: ${words}\n`);
      if (ready === undefined) return { output: said.join('') };
      if (!ready) return { exitCode: 1, output: said.join('') };
    }
    return { exitCode: 0, output: said.join('') };
  }

  /** `ready` is absent when it was killed at its timeout. */
  async #look(test: ReadyTest, asked: Asked): Promise<{ readonly ready?: boolean; readonly words: string }> {
    switch (test.type) {
      case 'tcp': {
        const ready = this.#listening(test.port, asked.pid).length > 0;
        return { ready, words: `${ready ? 'something' : 'nothing'} listens on port ${test.port}` };
      }
      case 'http':
        return this.#http(test, asked);
      case 'file': {
        const look = fileLook(this.#context.kernel.arch, asked.pid, test.path);
        const { exitCode, output } = await this.#run(look, asked);
        if (exitCode === undefined) return { words: `looking for ${test.path}` };
        return { ready: exitCode === 0, words: exitCode === 0 ? `${test.path} is there` : look.explain(output) };
      }
      case 'log':
        return this.#log(test.pattern, asked.record);
    }
  }

  #listening(port: number, pid: number): readonly Listening[] {
    const { host } = this.#context;
    return ['tcp', 'tcp6'].flatMap((name) => listeningOn(port, host.readText(`/proc/${pid}/net/${name}`)));
  }

  async #http(
    { port, path }: Extract<ReadyTest, { readonly type: 'http' }>,
    asked: Asked,
  ): Promise<{ readonly ready?: boolean; readonly words: string }> {
    let words = `nothing listens on port ${port}`;
    for (const address of this.#listening(port, asked.pid).flatMap(reachedAt)) {
      const look = httpLook(this.#context.kernel.arch, asked.pid, { address, port, path });
      const { exitCode, output } = await this.#run(look, asked);
      if (exitCode === undefined) return { words: `GET ${path} of port ${port}` };
      const status = /^HTTP\/1\.[01] ([1-5]\d\d)$/.exec(output)?.[1];
      if (status !== undefined) {
        return { ready: status >= '200' && status < '400', words: `GET ${path} of port ${port}: ${status}` };
      }
      words = exitCode === 0 ? `what listens on port ${port} does not speak HTTP/1` : look.explain(output);
    }
    return { ready: false, words };
  }

  #log(pattern: string, { key, logOffset = 0 }: ContainerRecord): { readonly ready: boolean; readonly words: string } {
    if (this.#seen) return { ready: true, words: `a line matched /${pattern}/` };
    const known = this.#lines.get(pattern);
    const lines = known ?? new LineMatcher(containerPaths(this.#context.paths, key).log, logOffset, pattern);
    this.#lines.set(pattern, lines);
    const ready = lines.look();
    return { ready, words: `${ready ? 'a' : 'no'} line matched /${pattern}/` };
  }

  #run({ argv, launcher }: Look, { check, signal }: Asked): Promise<ProbeResult> {
    const options = { timeoutMs: check.timeoutMs, outputLimitBytes: OUTPUT_BYTES, single: true, signal };
    return this.#context.host.probe(argv, launcher, options);
  }
}

/** Where a socket can be reached from inside: one for every address of both families is so over IPv4, unless it wants none. */
function reachedAt({ family, address }: Listening): readonly Uint8Array[] {
  if (address.some((byte) => byte !== 0)) return [address];
  return family === 4 ? [LOOPBACK4] : [LOOPBACK4, LOOPBACK6];
}
