import type { Address } from './address.ts';
import type { Diagnostic } from './diagnostic.ts';

/** Every code a `TsstackError` may carry; each has a section in docs/errors.md. */
export type ErrorCode =
  | 'usage'
  | 'invalid-stack'
  | 'no-stack-file'
  | 'conflict'
  | 'not-found'
  | 'not-running'
  | 'command-failed'
  | 'command-timeout'
  | 'launch-failed'
  | 'dependency-failed'
  | 'hook-failed'
  | 'update-failed'
  | 'image-invalid'
  | 'image-missing'
  | 'registry-unreachable'
  | 'registry-denied'
  | 'registry-limited'
  | 'registry-failed'
  | 'registry-settings'
  | 'invalid-dockerfile'
  | 'build-failed'
  | 'address-pool-exhausted'
  | 'unsupported-host'
  | 'missing-tool'
  | 'daemon-unreachable'
  | 'state-invalid'
  | 'cancelled'
  | 'timeout'
  | 'internal';

/** A step of a build that failed, as an image without a name to look round in. */
export interface FailedImage {
  /** `sha256:…` */
  readonly id: string;
  /** Whose image was built. */
  readonly service: string;
  /** What failed; absent: not said. */
  readonly argv?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Empty: root. */
  readonly user: string;
}

export interface TsstackErrorOptions {
  /** What to do next, one sentence. */
  readonly hint?: string | undefined;
  readonly address?: Address | undefined;
  /** Evidence: the last lines of a log, the output of a program. */
  readonly details?: readonly string[] | undefined;
  /** Of `build-failed`, where it was to be kept. */
  readonly failedImage?: FailedImage | undefined;
  readonly cause?: unknown;
}

/** The one error class: what could not be done and the present value in `message`, the way out in `hint`. */
export class TsstackError extends Error {
  override readonly name = 'TsstackError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly address: Address | undefined;
  readonly details: readonly string[];
  readonly failedImage: FailedImage | undefined;

  constructor(code: ErrorCode, message: string, options: TsstackErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.address = options.address;
    this.details = options.details ?? [];
    this.failedImage = options.failedImage;
  }
}

/** A stack file with errors. `diagnostics` holds them all, warnings included, in file order. */
export class InvalidStackError extends TsstackError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
    super('invalid-stack', `${errors} error${errors === 1 ? '' : 's'} in the stack file`);
    this.diagnostics = diagnostics;
  }
}

/** A Dockerfile with errors. `diagnostics` holds them all, warnings included, in file order. */
export class InvalidDockerfileError extends TsstackError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
    super('invalid-dockerfile', `${errors} error${errors === 1 ? '' : 's'} in the Dockerfile`);
    this.diagnostics = diagnostics;
  }
}

/** An error as it crosses the API: plain data, never a stack trace. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly address?: string;
  /** What was last said about it: the end of a log, a probe's output. Lines without control characters. */
  readonly details?: readonly string[];
  /** Of `build-failed`: what the failed step left, where it was to be kept. Whoever asked for it removes it. */
  readonly failedImage?: FailedImage;
  readonly diagnostics?: readonly Diagnostic[];
}

export function reportError(error: unknown): ErrorReport {
  if (error instanceof InvalidStackError || error instanceof InvalidDockerfileError) {
    return { code: error.code, message: error.message, diagnostics: error.diagnostics };
  }
  if (error instanceof TsstackError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
      ...(error.address !== undefined && { address: error.address }),
      ...(error.details.length > 0 && { details: error.details }),
      ...(error.failedImage !== undefined && { failedImage: error.failedImage }),
    };
  }
  if (error instanceof AggregateError) {
    return { code: 'internal', message: error.errors.map((each) => reportError(each).message).join('\n') };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/**
 * Throws what several things that were done side by side failed of, when all have ended: the first that was not merely
 * cancelled, most likely for another's failure. Gives their results if all went well.
 */
export function resultsOf<Result>(settled: readonly PromiseSettledResult<Result>[]): readonly Result[] {
  const failed = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  const isCancelled = (error: unknown): boolean => error instanceof TsstackError && error.code === 'cancelled';
  if (failed.length > 0) throw failed.find((error) => !isCancelled(error)) ?? failed[0];
  return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}
