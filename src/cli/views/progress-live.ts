import { Listr, ListrLogger, type ListrTaskWrapper, ProcessOutput } from 'listr2';
import type { ProgressEvent } from '../../model/event.ts';
import { ProgressTracker, type ProgressView, type ResourceProgress } from '../progress.ts';
import { standardStream, type Terminal } from '../terminal.ts';
import { LiveBuilds } from './build-live.ts';
import { isBuildEvent } from './build-step.ts';
import { printDiagnostics } from './error.ts';
import { formatSeconds } from './format.ts';
import { PlainProgress, rollbackText } from './progress-plain.ts';
import { Transfers } from './transfers.ts';

// biome-ignore lint/suspicious/noExplicitAny: the wrapper's type names two renderer classes that do not matter here
type Task = ListrTaskWrapper<unknown, any, any>;

interface Line {
  readonly end: PromiseWithResolvers<void>;
  /** Padded to the widest. */
  readonly address: string;
  title: string;
  task: Task | undefined;
  ended: boolean;
  durationMs: number;
}

/**
 * Progress on a terminal: one line a resource, rewritten as it comes along. A plan with more resources than the
 * terminal has rows is shown as plain lines, since rows that have scrolled away cannot be rewritten.
 */
export class LiveProgress implements ProgressView {
  readonly #terminal: Terminal;
  readonly #tracker = new ProgressTracker();
  readonly #transfers: Transfers;
  readonly #builds: LiveBuilds;
  readonly #lines = new Map<string, Line>();
  #plain: PlainProgress | undefined;
  #remarks: string[] = [];
  #drawn: Promise<unknown> | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#transfers = new Transfers(terminal);
    this.#builds = new LiveBuilds(terminal);
  }

  show(event: ProgressEvent): void {
    if (this.#drawn === undefined && this.#showBefore(event)) return;
    if (this.#plain !== undefined) this.#plain.show(event);
    else if (event.type === 'plan') this.#begin(event);
    else if (event.type === 'diagnostics') printDiagnostics(this.#terminal, event.diagnostics);
    else if (event.type === 'note') this.note(event.message);
    else if (event.type === 'warning') this.note(`${this.#terminal.style('yellow', '!')} ${event.message}`);
    else if (event.type === 'rolling-back')
      this.note(`${this.#terminal.style('yellow', '↩')} ${rollbackText(event.steps)}`);
    else {
      const progress = this.#tracker.follow(event);
      if (progress !== undefined) this.#update(progress);
    }
  }

  /** While lines are drawn, a remark stands under the first that is not done, and stays when they all stand. */
  note(message: string): void {
    if (this.#builds.isActive) {
      this.#builds.print(message);
      return;
    }
    if (this.#drawn === undefined) {
      this.#terminal.write(`${message}\n`);
      return;
    }
    this.#remarks.push(message);
    const open = [...this.#lines.values()].find((line) => !line.ended && line.task !== undefined);
    if (open?.task !== undefined) open.task.output = message;
  }

  async close(): Promise<void> {
    this.#transfers.end();
    this.#builds.end();
    await this.#plain?.close();
    for (const line of this.#lines.values()) {
      if (!line.ended) line.task?.skip(`${line.address}  not done`);
      line.end.resolve();
    }
    await this.#drawn;
    this.#drawn = undefined;
    for (const remark of this.#remarks.splice(0)) this.note(remark);
  }

  /** What comes before the resources of a plan are drawn: images that are pulled and built. */
  #showBefore(event: ProgressEvent): boolean {
    if (event.type === 'transfer') {
      if (this.#builds.isActive) this.#builds.transfer(event);
      else this.#transfers.show(event);
      return true;
    }
    this.#transfers.end();
    if (isBuildEvent(event)) {
      this.#builds.show(event);
      return true;
    }
    if (event.type !== 'note' && event.type !== 'warning') this.#builds.end();
    return false;
  }

  #begin(event: ProgressEvent & { type: 'plan' }): void {
    const addresses = this.#tracker.addPlan(event.plan);
    if (addresses.length === 0) return;
    if (addresses.length > this.#terminal.rows - 2) {
      this.#plain = new PlainProgress(this.#terminal);
      this.#plain.show(event);
      return;
    }
    const width = Math.max(...addresses.map((address) => address.length));
    for (const address of addresses) {
      this.#lines.set(address, {
        end: Promise.withResolvers(),
        address: address.padEnd(width),
        title: address,
        task: undefined,
        ended: false,
        durationMs: 0,
      });
    }
    this.#drawn = this.#draw();
  }

  #draw(): Promise<unknown> {
    const tasks = [...this.#lines.values()].map((line) => ({
      title: line.title,
      task: (_context: unknown, task: Task) => {
        line.task = task;
        task.title = line.title;
        return line.end.promise;
      },
    }));
    const listr = new Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      // Ctrl-C is a request to the daemon.
      registerSignalListeners: false,
      rendererOptions: {
        showErrorMessage: false,
        formatOutput: 'truncate',
        logger: new ListrLogger({
          useIcons: true,
          processOutput: new ProcessOutput(standardStream(2), standardStream(2)),
        }),
      },
    });
    return listr.run();
  }

  #update({ address, text, state, durationMs }: ResourceProgress): void {
    const line = this.#lines.get(address);
    if (line === undefined) return;
    line.durationMs += durationMs ?? 0;
    const took = state === 'done' ? ` ${this.#terminal.style('dim', formatSeconds(line.durationMs))}` : '';
    line.title = `${line.address}  ${text}${took}`;
    if (line.task !== undefined) line.task.title = line.title;
    line.ended = state === 'done' || state === 'failed';
    if (state === 'done') line.end.resolve();
    if (state === 'failed') line.end.reject(new Error(text));
  }
}
