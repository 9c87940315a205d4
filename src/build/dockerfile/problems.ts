import type { Diagnostic, Position } from '../../model/diagnostic.ts';
import { InvalidDockerfileError } from '../../model/error.ts';

/** What is wrong at one place, thrown within one instruction; the parser collects them. */
export class Problem extends Error {
  readonly hint: string | undefined;
  /** Of the text of the instruction; absent: its beginning. */
  readonly offset: number | undefined;

  constructor(message: string, hint?: string, offset?: number) {
    super(message);
    this.hint = hint;
    this.offset = offset;
  }
}

export function errorAt(position: Position, message: string, hint?: string): Diagnostic {
  return { severity: 'error', code: 'dockerfile', message, position, ...(hint !== undefined && { hint }) };
}

export function warningAt(position: Position, message: string, hint?: string): Diagnostic {
  return { ...errorAt(position, message, hint), severity: 'warning' };
}

/** Runs `body`; what is wrong with the text in there becomes an `invalid-dockerfile` error at a place. */
export function atPosition<Result>(position: Position, body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    if (error instanceof InvalidDockerfileError || !(error instanceof Error)) throw error;
    const hint = error instanceof Problem ? error.hint : undefined;
    throw new InvalidDockerfileError([errorAt(position, error.message, hint)]);
  }
}
