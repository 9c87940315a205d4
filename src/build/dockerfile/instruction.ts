import type { Position } from '../../model/diagnostic.ts';

/** `<<NAME`: lines of the file as the content of an instruction. */
export interface Heredoc {
  readonly name: string;
  /** `<<-`: tabs at the beginning of its lines do not count. Still in `content`; `heredocText()` takes them away. */
  readonly chomp: boolean;
  /** The name was not quoted: variables in it are expanded. */
  readonly expand: boolean;
  /** With its last line break. */
  readonly content: string;
}

/** What RUN, CMD and ENTRYPOINT execute. */
export type Command =
  | { readonly form: 'exec'; readonly argv: readonly string[] }
  /** For SHELL to execute. `heredocs`: of RUN only; see `script()`. */
  | { readonly form: 'shell'; readonly line: string; readonly heredocs: readonly Heredoc[] };

/** A name with a value; of ARG the value may be absent. As written: quotes and variables are still there. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

interface Placed {
  readonly position: Position;
}

export interface From extends Placed {
  readonly type: 'from';
  readonly base: string;
  readonly platform?: string;
  /** In lower case. */
  readonly name?: string;
}

export interface Run extends Placed {
  readonly type: 'run';
  readonly command: Command;
  /** Options of each `--mount`, as written; `parseMount()` makes them a mount once the variables are known. */
  readonly mounts: readonly string[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
}

/** Where something is copied to, and with what rights. Variables are still there, but not in `excludes`. */
interface Transfer extends Placed {
  readonly sources: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly destination: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly excludes: readonly string[];
}

export interface Copy extends Transfer {
  readonly type: 'copy';
  /** A stage by name or number, a named context or an image; absent: the build context. */
  readonly from?: string;
  readonly parents: boolean;
}

export interface Add extends Transfer {
  readonly type: 'add';
  readonly checksum?: string;
  /** Absent: as the source says itself. */
  readonly keepGitDir?: boolean;
  /** Absent: archives of the context are unpacked, those from elsewhere are not. */
  readonly unpack?: boolean;
}

export interface Healthcheck extends Placed {
  readonly type: 'healthcheck';
  /** Absent: NONE. */
  readonly command?: Command;
  /** Absent, as the four that follow: not given. */
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

export interface Arg extends Placed {
  readonly type: 'arg';
  readonly arguments: readonly { readonly name: string; readonly value?: string }[];
}

export interface Onbuild extends Placed {
  readonly type: 'onbuild';
  /** Its text, as image configurations hold it. */
  readonly expression: string;
}

/** One instruction of a Dockerfile. */
export type Instruction =
  | From
  | Run
  | Copy
  | Add
  | Healthcheck
  | Arg
  | Onbuild
  | (Placed & { readonly type: 'cmd' | 'entrypoint'; readonly command: Command })
  | (Placed & { readonly type: 'env' | 'label'; readonly pairs: readonly Pair[] })
  | (Placed & { readonly type: 'expose'; readonly ports: readonly string[] })
  | (Placed & { readonly type: 'volume'; readonly paths: readonly string[] })
  | (Placed & { readonly type: 'shell'; readonly argv: readonly string[] })
  | (Placed & { readonly type: 'user' | 'workdir' | 'stopsignal' | 'maintainer'; readonly text: string });

/** What may stand in a stage. */
export type StageInstruction = Exclude<Instruction, From>;

export interface Stage {
  readonly from: From;
  readonly instructions: readonly StageInstruction[];
}

/** The lines of a heredoc without the tabs that `<<-` leaves out. */
export function heredocText({ content, chomp }: Heredoc): string {
  return chomp ? content.replaceAll(/^\t+/gm, '') : content;
}

/** What a shell form executes. `file`: a program with a `#!` of its own, to be put in place and executed as `name`. */
export type Script =
  | { readonly type: 'shell'; readonly line: string }
  | { readonly type: 'file'; readonly name: string; readonly content: string };

/**
 * A shell form with its heredocs. One that is the whole command is the script itself; otherwise the shell gets them as it
 * would read them in a script.
 */
export function script({ line, heredocs }: Extract<Command, { form: 'shell' }>): Script {
  const [first] = heredocs;
  if (first === undefined) return { type: 'shell', line };
  if (/^\d*<<-?\s*[^<\s]+$/.test(line.trim())) {
    const content = heredocText(first);
    return first.content.startsWith('#!')
      ? { type: 'file', name: first.name, content }
      : { type: 'shell', line: content };
  }
  return { type: 'shell', line: [line, ...heredocs.map(({ content, name }) => `${content}${name}`)].join('\n') };
}
