import type { FileStat, ProbeOptions, ProbeResult, RunOptions, RunResult, SupervisorHost } from './host.ts';
import type { HostOp } from './op.ts';

/** Looks at a real machine and changes nothing: operations are kept instead. For scripts, dry runs and tests. */
export class RecordingHost implements SupervisorHost {
  readonly #machine: SupervisorHost;
  #operations: HostOp[] = [];

  constructor(machine: SupervisorHost) {
    this.#machine = machine;
  }

  /** What was recorded since the last call. */
  take(): readonly HostOp[] {
    const operations = this.#operations;
    this.#operations = [];
    return operations;
  }

  async perform(ops: readonly HostOp[]): Promise<void> {
    this.#operations.push(...ops);
  }

  run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    return this.#machine.run(argv, options);
  }

  probe(argv: readonly string[], launcher: Uint8Array, options: ProbeOptions): Promise<ProbeResult> {
    return this.#machine.probe(argv, launcher, options);
  }

  watchDirectory(path: string, signal: AbortSignal, changed: (name: string) => void): void {
    this.#machine.watchDirectory(path, signal, changed);
  }

  readText(path: string): string | undefined {
    return this.#machine.readText(path);
  }

  readBytes(path: string): Uint8Array | undefined {
    return this.#machine.readBytes(path);
  }

  readDirectory(path: string): readonly string[] {
    return this.#machine.readDirectory(path);
  }

  stat(path: string): FileStat | undefined {
    return this.#machine.stat(path);
  }

  readLink(path: string): string | undefined {
    return this.#machine.readLink(path);
  }
}
