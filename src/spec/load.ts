import type { Diagnostic } from '../model/diagnostic.ts';
import type { Stack } from '../model/stack.ts';

/** Everything that decides what a stack file means. Plain JSON: the CLI sends it to the daemon as it stands. */
export interface LoadRequest {
  /** `-f`, in order, relative to `cwd`; `-` reads `stdin`. Empty: COMPOSE_FILE, then the default names, searched upwards. */
  readonly files: readonly string[];
  readonly cwd: string;
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** `--env-file`, in order; empty: `.env` of the project directory. */
  readonly envFiles: readonly string[];
  /** `-p`. */
  readonly projectName?: string;
  readonly projectDirectory?: string;
  /** `--profile`, several; `*` is all. */
  readonly profiles: readonly string[];
  /** Services that the command names: they and their dependencies are enabled. Empty: all. */
  readonly services: readonly string[];
  /** Text of `-f -`. */
  readonly stdin?: string;
}

export interface LoadResult {
  readonly stack: Stack;
  /** The canonical Compose model, as `config --format json` prints it. */
  readonly model: Readonly<Record<string, unknown>>;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and checks a stack. Throws `InvalidStackError` with every problem, or `no-stack-file`. */
export function loadStack(_request: LoadRequest): LoadResult {
  throw new Error('not written yet');
}
