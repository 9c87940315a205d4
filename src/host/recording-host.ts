import type { FileStat, ProbeOptions, ProbeResult, RunOptions, RunResult, SupervisorHost } from './host.ts';
import type { HostOp } from './op.ts';

const WRITTEN = { type: 'file', modifiedMs: 0, device: 0, inode: 0, rdev: 0 } as const;

/** Looks at a real machine and changes nothing: operations are kept instead. For scripts, dry runs and tests. */
export class RecordingHost implements SupervisorHost {
  readonly #machine: SupervisorHost;
  #operations: HostOp[] = [];
  readonly #written = new Map<string, FileStat>();

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
    for (const op of ops) {
      if (op.op !== 'write-file' && op.op !== 'write-secret') continue;
      const { uid, gid } = op.owner ?? { uid: 0, gid: 0 };
      this.#written.set(op.path, { ...WRITTEN, mode: op.mode ?? 0o644, uid, gid, sizeBytes: op.data.length });
    }
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
    return this.#written.get(path) ?? this.#machine.stat(path);
  }

  readLink(path: string): string | undefined {
    return this.#machine.readLink(path);
  }
}
