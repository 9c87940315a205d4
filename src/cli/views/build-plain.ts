import type { Terminal } from '../terminal.ts';
import { type BuildEvent, type OutputEvent, type StepEvent, stepName, stepTitle } from './build-step.ts';
import { formatSeconds } from './format.ts';
import { OutputLines } from './output-lines.ts';

/** Builds as lines, each with the service and the step that it is of: steps of several builds stand among each other. */
export class PlainBuilds {
  readonly #terminal: Terminal;
  readonly #output = new Map<string, OutputLines>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(event: BuildEvent): void {
    if (event.type === 'build-output') this.#showOutput(event);
    else if (event.state === 'started') {
      this.#output.set(stepName(event), new OutputLines());
      this.#line(event, stepTitle(event));
    } else this.#showEnd(event);
  }

  #showOutput(event: OutputEvent): void {
    const name = stepName(event);
    const lines = this.#output.get(name) ?? new OutputLines();
    this.#output.set(name, lines);
    this.#showLines(event, lines.add(event.text));
  }

  #showEnd(event: Exclude<StepEvent, { readonly state: 'started' }>): void {
    const lines = this.#output.get(stepName(event));
    this.#showLines(event, lines?.end() ?? []);
    this.#output.delete(stepName(event));
    const end = this.#endText(event);
    // Nobody has read yet which step this is.
    this.#line(event, lines === undefined ? `${stepTitle(event)} … ${end}` : end);
  }

  #endText({ state, durationMs }: Exclude<StepEvent, { readonly state: 'started' }>): string {
    const { style } = this.#terminal;
    if (state === 'cached') return style('cyan', 'CACHED');
    const took = formatSeconds(durationMs);
    return state === 'done' ? `${style('green', 'DONE')} ${took}` : `${style('red', 'ERROR')} ${took}`;
  }

  #showLines(step: Pick<StepEvent, 'build' | 'id'>, lines: readonly string[]): void {
    for (const line of lines) this.#line(step, `| ${line}`);
  }

  #line({ build, id }: Pick<StepEvent, 'build' | 'id'>, text: string): void {
    this.#terminal.write(`${this.#terminal.style('bold', build)}  ${this.#terminal.style('dim', id)} ${text}\n`);
  }
}
