import type { Paths } from '../store/paths.ts';
import type { DaemonClient } from './client.ts';
import type { Globals } from './globals.ts';
import type { Options, Values } from './options.ts';
import type { Terminal } from './terminal.ts';

/** How a result is printed. */
export type Format = 'table' | 'json' | 'yaml';

/** Everything that a command works with. */
export interface Context {
  readonly globals: Globals;
  /** One of the command's formats. */
  readonly format: Format;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly paths: Paths;
  /** The result. */
  readonly out: Terminal;
  /** Progress and diagnostics. */
  readonly err: Terminal;
  readonly client: DaemonClient;
}

/** Exit statuses. */
export const EXIT = { done: 0, failed: 1, usage: 2, changes: 3, interrupted: 130 } as const;

/** What was given to a command. */
export interface Arguments<O extends Options = Options> {
  readonly options: Values<O>;
  readonly operands: readonly string[];
}

/** A line of help that shows how a command is used. */
export interface Example {
  readonly command: string;
  readonly does: string;
}

/** One thing that a user can ask for. */
export interface Command<O extends Options = Options> {
  readonly name: string;
  readonly summary: string;
  /** What follows the options: `[SERVICE…]`; empty: nothing may. */
  readonly operands: string;
  /** What follows the first operand is the user's, options included. */
  readonly stopAtOperand?: boolean;
  readonly options: O;
  /** The first is the default. */
  readonly formats: readonly [Format, ...Format[]];
  /** `--format` may also be a template, which is in `globals.format`; `format` is the first one then. */
  readonly templates?: true;
  readonly examples: readonly [Example, ...Example[]];
  /** Gives the exit status; throws `TsstackError`. */
  readonly run: (context: Context, args: Arguments<O>) => Promise<number>;
}

/** Checks a command's types and forgets those of its options, so that commands fit into one table. */
export function defineCommand<O extends Options>(command: Command<O>): Command {
  return {
    ...command,
    // What was parsed by `command.options` has the shape of its values.
    run: (context, args) => command.run(context, args as Arguments<O>),
  };
}
