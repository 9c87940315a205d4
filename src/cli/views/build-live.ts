import type { Terminal } from '../terminal.ts';
import { type BuildEvent, type StepEvent, stepName, stepTitle } from './build-step.ts';
import { fitWidth } from './fit-width.ts';
import { formatSeconds } from './format.ts';
import { OutputLines } from './output-lines.ts';
import { type Transfer, transferText } from './transfers.ts';

/** How often elapsed times are drawn anew. */
const TICK_MS = 100;
/** Lines of output below a step that runs, at most. */
const OUTPUT_LINES = 5;
const FRAMES = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];

interface Running {
  readonly event: StepEvent;
  readonly sinceMs: number;
  readonly output: OutputLines;
  /** Whole lines, the newest last. */
  lines: readonly string[];
}

/**
 * Builds on a terminal: what has ended is a line that stays; below, drawn over ten times a second, each running step with
 * its time and the end of what it writes.
 */
export class LiveBuilds {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #running = new Map<string, Running>();
  readonly #transfers = new Map<string, Map<string, Transfer>>();
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#terminal = terminal;
    this.#now = now;
  }

  /** Something is drawn that is to be drawn over. */
  get isActive(): boolean {
    return this.#running.size > 0 || this.#transfers.size > 0;
  }

  show(event: BuildEvent): void {
    if (event.type === 'build-output') this.#addOutput(event);
    else if (event.state === 'started') {
      this.#running.set(stepName(event), { event, sinceMs: this.#now(), output: new OutputLines(), lines: [] });
      this.#timer ??= setInterval(() => this.#draw(), TICK_MS).unref();
      this.#draw();
    } else {
      this.#running.delete(stepName(event));
      this.print(this.#endLine(event));
    }
  }

  /** A blob of a base image; shown as long as it comes. */
  transfer(event: Transfer): void {
    const blobs = this.#transfers.get(event.subject) ?? new Map<string, Transfer>();
    this.#transfers.set(event.subject, blobs.set(event.digest, event));
    if ([...blobs.values()].every(({ bytes, size }) => bytes === size)) this.#transfers.delete(event.subject);
  }

  /** Writes lines that stay, above what runs. */
  print(text: string): void {
    this.#terminal.write(`${this.#erasure()}${text}\n`);
    this.#drawn = 0;
    this.#draw();
  }

  /** Nothing is drawn any more; steps that have not ended are named. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const open = [...this.#running.values()];
    this.#running.clear();
    this.#transfers.clear();
    for (const { event } of open) this.print(this.#title(this.#terminal.style('dim', '■'), event, 'not done'));
    if (this.#drawn > 0) this.#terminal.write(this.#erasure());
    this.#drawn = 0;
  }

  #addOutput({ text, ...step }: BuildEvent & { readonly type: 'build-output' }): void {
    const running = this.#running.get(stepName(step));
    if (running === undefined) return;
    running.lines = [...running.lines, ...running.output.add(text)].slice(-OUTPUT_LINES);
  }

  #endLine(event: Exclude<StepEvent, { readonly state: 'started' }>): string {
    const { style } = this.#terminal;
    if (event.state === 'cached') return this.#title(style('green', '✔'), event, style('cyan', 'CACHED'));
    const symbol = event.state === 'done' ? style('green', '✔') : style('red', '✖');
    return this.#title(symbol, event, style('dim', formatSeconds(event.durationMs)));
  }

  /** The text gives way to what stands behind it. */
  #title(symbol: string, event: StepEvent, end: string): string {
    const { style, columns } = this.#terminal;
    const name = stepName(event);
    const room = columns - name.length - BESIDE_TITLE;
    return `${symbol} ${style('bold', name)} ${fitWidth(stepTitle(event), Math.max(room, 1))} ${end}`;
  }

  #draw(): void {
    const lines = this.#block();
    if (lines.length === 0 && this.#drawn === 0) return;
    this.#terminal.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
  }

  /** What runs, in no more lines than the terminal has. */
  #block(): readonly string[] {
    const { style, rows, columns } = this.#terminal;
    const room = Math.max(rows - 1, 1);
    const steps = [...this.#running.values()].slice(0, room);
    const transfers = [...this.#transfers].map(
      ([subject, blobs]) => `  ${fitWidth(transferText(subject, [...blobs.values()]), columns - INDENT)}`,
    );
    const each = Math.floor((room - steps.length - transfers.length) / Math.max(steps.length, 1));
    const lines = steps.flatMap(({ event, sinceMs, output, lines: said }) => {
      const elapsedMs = this.#now() - sinceMs;
      const frame = FRAMES[Math.floor(elapsedMs / TICK_MS) % FRAMES.length] ?? '';
      const newest = [...said, ...(output.open === '' ? [] : [output.open])].slice(-OUTPUT_LINES);
      const shown = each < 1 ? [] : newest.slice(-each);
      return [
        this.#title(style('cyan', frame), event, style('dim', formatSeconds(elapsedMs))),
        ...shown.map((line) => style('dim', `  │ ${fitWidth(line, columns - INDENT)}`)),
      ];
    });
    return [...lines, ...transfers].slice(0, room);
  }

  /** Back to the first line that is drawn, and everything from there on cleared (ECMA-48: CPL, ED). */
  #erasure(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}F\u001b[J`;
  }
}

/** A symbol, three blanks and a time such as `1234.5s`, or CACHED. */
const BESIDE_TITLE = 13;
/** What stands before a line of output, and the last column. */
const INDENT = 5;
