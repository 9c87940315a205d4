import type { ProgressEvent } from '../../model/event.ts';
import { ProgressTracker, type ProgressView } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { PlainBuilds } from './build-plain.ts';
import { isBuildEvent } from './build-step.ts';
import { printDiagnostics, printReport } from './error.ts';
import { formatSeconds } from './format.ts';
import { Transfers } from './transfers.ts';

/** Progress as lines, for files and pipes: what was done, what is waited for, what failed. */
export class PlainProgress implements ProgressView {
  readonly #terminal: Terminal;
  readonly #tracker = new ProgressTracker();
  readonly #transfers: Transfers;
  readonly #builds: PlainBuilds;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#transfers = new Transfers(terminal);
    this.#builds = new PlainBuilds(terminal);
  }

  show(event: ProgressEvent): void {
    if (event.type === 'transfer') {
      this.#transfers.show(event);
      return;
    }
    this.#transfers.end();
    if (event.type === 'plan') this.#tracker.addPlan(event.plan);
    else if (event.type === 'diagnostics') printDiagnostics(this.#terminal, event.diagnostics);
    else if (event.type === 'warning') this.#line('yellow', '!', event.message);
    else if (event.type === 'note') this.note(event.message);
    else if (event.type === 'problem') printReport(this.#terminal, event.error);
    else if (isBuildEvent(event)) this.#builds.show(event);
    else if (event.type === 'rolling-back') this.#line('yellow', '↩', rollbackText(event.steps));
    else this.#showStep(event);
  }

  note(message: string): void {
    this.#terminal.write(`${message}\n`);
  }

  async close(): Promise<void> {
    this.#transfers.end();
  }

  #showStep(event: ProgressEvent): void {
    const progress = this.#tracker.follow(event);
    if (progress === undefined || event.type === 'step-started') return;
    const { address, text, state, durationMs } = progress;
    const took = durationMs === undefined ? '' : ` ${this.#terminal.style('dim', formatSeconds(durationMs))}`;
    if (state === 'running') this.#line('dim', '…', `${address} ${text}`);
    else if (state === 'failed') this.#line('red', '✖', `${address} ${text}`);
    else this.#line('green', '✔', `${address} ${text}${took}`);
  }

  #line(look: 'dim' | 'red' | 'green' | 'yellow', symbol: string, text: string): void {
    this.#terminal.write(`${this.#terminal.style(look, symbol)} ${text}\n`);
  }
}

/** What an `up` that failed says while it undoes its work. */
export function rollbackText(steps: number): string {
  return `undoing ${steps} step${steps === 1 ? '' : 's'}`;
}
