import type { ContainerSummary } from '../daemon/api.ts';
import { EXIT } from './command.ts';

interface EndsOptions {
  readonly abortOn: 'exit' | 'failure' | undefined;
  readonly exitCodeFrom: string | undefined;
}

type End = Pick<ContainerSummary, 'service' | 'exitCode'>;

/**
 * What the ends of containers mean for an `up` in the foreground: when everything is to be stopped (once), and with what
 * status it ends. A job that others wait for, and that has completed, ends nothing.
 */
export class Ends {
  readonly #options: EndsOptions;
  readonly #jobs: readonly string[];
  readonly #abort: () => void;
  #first: number | undefined;
  #wanted: number | undefined;

  constructor(options: EndsOptions, jobs: readonly string[], abort: () => void) {
    this.#options = options;
    this.#jobs = jobs;
    this.#abort = abort;
  }

  /** To be told of every container that has ended for good, in the order of their ends. */
  add({ service, exitCode = EXIT.failed }: End): void {
    const { abortOn, exitCodeFrom } = this.#options;
    if (service === exitCodeFrom) this.#wanted ??= exitCode;
    if (abortOn === undefined || this.#first !== undefined) return;
    if (exitCode === EXIT.done && (abortOn === 'failure' || this.#isDone(service))) return;
    this.#first = exitCode;
    this.#abort();
  }

  #isDone(service: string): boolean {
    return this.#jobs.includes(service) && service !== this.#options.exitCodeFrom;
  }

  /** Exit status; undefined: nothing says one. */
  get status(): number | undefined {
    return this.#options.exitCodeFrom === undefined ? this.#first : (this.#wanted ?? this.#first);
  }
}
