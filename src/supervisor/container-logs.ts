import type { MachineContext } from '../executor/context.ts';
import { LogIndexer } from '../log/index-writer.ts';
import { lastLines } from '../log/last-lines.ts';
import type { ContainerKey } from '../model/address.ts';
import { hasErrorLog } from '../runtime/streams.ts';
import { containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { emitFor } from './record-end.ts';

const EMPTIED = 'it emptied its log: "> /dev/stdout" does, ">> /dev/stdout" does not';

/** The log files of the containers that are watched over: their times are noted, and their limits kept. */
export class ContainerLogs {
  readonly #context: MachineContext;
  readonly #indexer: LogIndexer;

  constructor(context: MachineContext) {
    this.#context = context;
    this.#indexer = new LogIndexer({
      punch: (path, length) => this.#punch(path, length),
      onEmptied: (path) => this.#tell(path, EMPTIED),
    });
  }

  /** Twice is once, with the limit of now. */
  watch(key: ContainerKey): void {
    const spec = this.#context.records.container(key)?.spec;
    if (spec === undefined || spec.logDriver === 'none') return;
    const { log, errorLog } = containerPaths(this.#context.paths, key);
    for (const path of hasErrorLog(spec) ? [log, errorLog] : [log]) this.#indexer.add(path, spec.logLimitBytes);
  }

  /** Nothing more is written; one that is not watched is fine. */
  async forget(key: ContainerKey): Promise<void> {
    const { log, errorLog } = containerPaths(this.#context.paths, key);
    await Promise.all([log, errorLog].map((path) => this.#indexer.remove(path)));
  }

  lastLines(key: ContainerKey, count: number): readonly string[] {
    return lastLines(containerPaths(this.#context.paths, key).log, count);
  }

  /** Can be called twice. */
  close(): void {
    this.#indexer.close();
  }

  async #punch(path: string, length: number): Promise<void> {
    const argv = ['fallocate', '--punch-hole', '--offset', '0', '--length', String(length), path];
    try {
      await this.#context.host.perform([{ op: 'run', argv }]);
    } catch (error) {
      this.#tell(path, `its log has no limit: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  }

  #tell(path: string, detail: string): void {
    const record = this.#recordOf(path);
    if (record !== undefined) emitFor(this.#context, record, { event: 'update', detail });
  }

  /** undefined: it was removed meanwhile, and its log with it. */
  #recordOf(path: string): ContainerRecord | undefined {
    const { records, paths } = this.#context;
    return records.containers.all().find(({ key }) => {
      const { log, errorLog } = containerPaths(paths, key);
      return path === log || path === errorLog;
    });
  }
}
