import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { deadline } from '../lib/deadline.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { TsstackError } from '../model/error.ts';
import type { RunOptions, RunResult } from './host.ts';
import { keepProcess } from './keep-process.ts';
import { DEFAULT_TIMEOUT_MS, OUTPUT_LIMIT_BYTES, outcome, runCommand, type Why } from './run-command.ts';

/** What every plan and every container starts. Neither is a word of the shell, and neither leaves anything running. */
const PROGRAMS = ['ip', 'nft', 'rm', 'ss', 'tc'];
/** Shells at the same time. */
const MOST_SHELLS = 4;
/** How long one that is at work is waited for. After that this process starts the program itself: some may hang. */
const PATIENCE_MS = 1000;
/** What sh says with status 127. */
const NOT_FOUND = /: (?:command )?not found\s*$/;

/**
 * Runs programs like `runCommand()`, but lets small shells start them that stay for the next ones. fork(2) copies the
 * page tables of the process that calls it and keeps it waiting meanwhile: of the daemon 3 ms and more, of a shell
 * 0.3 ms that nobody waits for. They end with this process, however it ends: their standard input does.
 */
export class CommandShells {
  readonly #idle: CommandShell[] = [];
  /** Whoever is first is given the next one that is free. */
  readonly #waiting: ((shell: CommandShell) => void)[] = [];
  #count = 0;

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const script = scriptOf(argv, options);
    const shell = script === undefined ? undefined : await this.#obtain();
    if (shell === undefined || script === undefined) return runCommand(argv, options);
    try {
      // It may have been cancelled while a shell was waited for.
      if (options.signal?.aborted === true) return await runCommand(argv, options);
      return await shell.run(argv, script, options);
    } finally {
      if (!shell.usable) shell.close();
      this.#pass(shell);
    }
  }

  /** undefined: this process is to start the program itself. */
  #obtain(): CommandShell | Promise<CommandShell | undefined> {
    for (let shell = this.#idle.pop(); shell !== undefined; shell = this.#idle.pop()) {
      if (shell.usable) return shell;
      this.#count -= 1;
    }
    if (this.#count === MOST_SHELLS) return this.#wait();
    this.#count += 1;
    return new CommandShell();
  }

  #wait(): Promise<CommandShell | undefined> {
    return new Promise((resolve) => {
      const take = (shell: CommandShell): void => {
        clearTimeout(timer);
        resolve(shell);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        resolve(undefined);
      }, PATIENCE_MS);
      this.#waiting.push(take);
    });
  }

  #pass(shell: CommandShell): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(shell.usable ? shell : new CommandShell());
    else if (shell.usable) this.#idle.push(shell);
    else this.#count -= 1;
  }
}

/** The command as a shell reads it from its standard input; undefined where a shell is not to start it, or cannot. */
function scriptOf(argv: readonly string[], { stdin }: RunOptions): ((mark: string) => string) | undefined {
  if (!PROGRAMS.includes(argv[0] ?? '') || argv.some((word) => word.includes('\0'))) return undefined;
  const words = argv.map(shellQuote).join(' ');
  if (stdin === undefined) return (mark) => `${words} </dev/null\n${ending(mark)}`;
  if (typeof stdin !== 'string' || stdin.includes('\0') || !stdin.endsWith('\n')) return undefined;
  return (mark) => `${words} <<'${mark}'\n${stdin}${mark}\n${ending(mark)}`;
}

function ending(mark: string): string {
  return `printf '%s %d\\n' ${mark} $?; echo ${mark} >&2\n`;
}

/** One shell. Invariant: it runs one command at a time. */
class CommandShell {
  readonly #child: ChildProcess;
  /** Behind the output of each command; nothing that is printed holds it by chance or by intent. */
  readonly #mark = randomBytes(16).toString('hex');
  readonly #chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  #size = 0;
  #usable = true;
  #tell: ((why?: Why) => void) | undefined;

  constructor() {
    // A group of its own: it is killed with what it runs.
    this.#child = spawn('/bin/sh', [], { stdio: 'pipe', detached: true });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.on('data', (chunk: Buffer) => {
        this.#chunks[name].push(chunk);
        this.#size += chunk.length;
        if (this.#size > OUTPUT_LIMIT_BYTES) this.#kill('output');
        else if (this.#stdoutEnd() !== undefined && this.#stderrEnd() !== undefined) this.#tell?.();
      });
    }
    this.#child.stdin?.on('error', () => undefined);
    const gone = (): void => {
      this.#usable = false;
      this.#tell?.();
    };
    this.#child.on('error', gone).on('close', gone);
    keepProcess(this.#child, false);
  }

  get usable(): boolean {
    return this.#usable;
  }

  async run(
    argv: readonly string[],
    script: (mark: string) => string,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal, allowFailure }: RunOptions,
  ): Promise<RunResult> {
    this.#chunks.stdout = [];
    this.#chunks.stderr = [];
    this.#size = 0;
    const { promise, resolve } = Promise.withResolvers<Why | undefined>();
    this.#tell = resolve;
    const abort = (): void => this.#kill('cancelled');
    // While it runs something it keeps this process.
    const forget = deadline(timeoutMs, () => this.#kill('timeout'));
    signal?.addEventListener('abort', abort, { once: true });
    this.#child.stdin?.write(script(this.#mark));
    const why = await promise;
    this.#tell = undefined;
    forget();
    signal?.removeEventListener('abort', abort);
    return this.#result(argv, { why, timeoutMs, allowFailure: allowFailure === true });
  }

  /** Can be called twice. */
  close(): void {
    this.#usable = false;
    this.#child.stdin?.end();
  }

  #result(
    argv: readonly string[],
    { why, ...options }: { readonly why: Why | undefined; readonly timeoutMs: number; readonly allowFailure: boolean },
  ): RunResult {
    const out = this.#stdoutEnd();
    const error = this.#stderrEnd();
    if (why === undefined && (out === undefined || error === undefined)) {
      throw new TsstackError('command-failed', `The shell that ran "${argv.join(' ')}" was killed`);
    }
    const stdout = out?.text ?? '';
    const stderr = error ?? '';
    if (out?.status === 127 && NOT_FOUND.test(stderr)) return outcome(argv, { stdout, stderr, missing: true }, options);
    const status = out === undefined ? {} : { status: out.status };
    return outcome(argv, { stdout, stderr, ...status, ...(why !== undefined && { why }) }, options);
  }

  #stdoutEnd(): { readonly text: string; readonly status: number } | undefined {
    const text = this.#text('stdout');
    const at = text.lastIndexOf(`${this.#mark} `);
    if (at === -1 || !text.endsWith('\n')) return undefined;
    return { text: text.slice(0, at), status: Number(text.slice(at + this.#mark.length)) };
  }

  #stderrEnd(): string | undefined {
    const text = this.#text('stderr');
    return text.endsWith(`${this.#mark}\n`) ? text.slice(0, -this.#mark.length - 1) : undefined;
  }

  #text(name: 'stdout' | 'stderr'): string {
    // The mark stands at the end: only what is complete is put together.
    const last = this.#chunks[name].at(-1);
    if (last?.at(-1) !== 10) return '';
    const whole = Buffer.concat(this.#chunks[name]);
    this.#chunks[name] = [whole];
    return whole.toString();
  }

  #kill(why: Why): void {
    this.#usable = false;
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    this.#tell?.(why);
  }
}
