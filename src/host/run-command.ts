import { type ChildProcess, spawn } from 'node:child_process';
import { deadline } from '../lib/deadline.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { TsstackError } from '../model/error.ts';
import type { RunOptions, RunResult } from './host.ts';

export const DEFAULT_TIMEOUT_MS = 30_000;
export const OUTPUT_LIMIT_BYTES = 32 * 1024 * 1024;
/** Status of a program that a signal has ended. */
const NO_STATUS = 128;

export type RunCommand = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

/**
 * Runs a program to its end, and until nobody holds its output open. argv is never seen by a shell. Throws
 * `missing-tool` when there is no such program, `command-timeout`, `cancelled`, and `command-failed` with argv, status
 * and standard error, also for output of more than 32 MiB.
 */
export async function runCommand(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const { allowFailure = false } = options;
  return outcome(argv, await runToEnd(argv, { ...options, timeoutMs }), { timeoutMs, allowFailure });
}

/** What `runCommand()` gives or throws for a program that has ended like this. */
export function outcome(
  argv: readonly string[],
  { stdout, stderr, status, why, missing }: Ended,
  { timeoutMs, allowFailure }: { readonly timeoutMs: number; readonly allowFailure: boolean },
): RunResult {
  if (missing === true) throw missingTool(argv[0] ?? '');
  if (why === 'cancelled') throw new TsstackError('cancelled', `Stopped waiting for: ${commandLine(argv)}`);
  if (why === 'timeout')
    throw new TsstackError('command-timeout', `No end after ${timeoutMs / 1000} s: ${commandLine(argv)}`);
  if (why === 'output') throw failed(argv, NO_STATUS, `more than ${OUTPUT_LIMIT_BYTES} bytes of output`);
  const exitCode = status ?? NO_STATUS;
  if (exitCode !== 0 && !allowFailure) throw failed(argv, exitCode, stderr);
  return { stdout, stderr, exitCode };
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** Absent when a signal has ended it. */
  readonly status?: number;
  /** Why we have killed it. */
  readonly why?: Why;
  /** There is no such program. */
  readonly missing?: boolean;
}

export type Why = 'cancelled' | 'timeout' | 'output';

/**
 * Node's own spawn with nothing around it: what is done here is done in the daemon's one thread, some ten times a
 * command, and what listens for our own end to kill children costs as much again as the start of a small program.
 */
function runToEnd(
  [file = '', ...args]: readonly string[],
  { stdin, timeoutMs, signal }: RunOptions & { readonly timeoutMs: number },
): Promise<Ended> {
  if (signal?.aborted === true) return Promise.resolve({ stdout: '', stderr: '', why: 'cancelled' });
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    let why: Why | undefined;
    const kill = (reason: Why): void => {
      why ??= reason;
      child.kill('SIGKILL');
      // What it has started may hold them open.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const abort = (): void => kill('cancelled');
    const forget = deadline(timeoutMs, () => kill('timeout'));
    signal?.addEventListener('abort', abort, { once: true });
    const finish = (): void => {
      forget();
      signal?.removeEventListener('abort', abort);
    };
    const { stdout, stderr } = outputOf(child, () => kill('output'));
    // It need not read all that it is given.
    child.stdin?.on('error', () => undefined).end(stdin);
    child.on('error', (error) => {
      finish();
      reject(notStarted(file, error));
    });
    child.on('close', (status) => {
      finish();
      resolve({
        stdout: stdout(),
        stderr: stderr(),
        ...(status !== null && { status }),
        ...(why !== undefined && { why }),
      });
    });
  });
}

function outputOf(child: ChildProcess, tooMuch: () => void): Record<'stdout' | 'stderr', () => string> {
  const collect = (name: 'stdout' | 'stderr') => {
    const chunks: Buffer[] = [];
    let size = 0;
    child[name]?.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > OUTPUT_LIMIT_BYTES) tooMuch();
    });
    return () => Buffer.concat(chunks).toString();
  };
  return { stdout: collect('stdout'), stderr: collect('stderr') };
}

function notStarted(file: string, error: Error): TsstackError {
  if ('code' in error && error.code === 'ENOENT') return missingTool(file);
  return new TsstackError('command-failed', `Cannot run "${file}": ${error.message}`, { cause: error });
}

function missingTool(file: string): TsstackError {
  return new TsstackError('missing-tool', `There is no program "${file}" on this machine`, {
    hint: 'Run "tsstack doctor": it names the package to install',
  });
}

function failed(argv: readonly string[], exitCode: number, stderr: string): TsstackError {
  const said = stderr.trim();
  return new TsstackError(
    'command-failed',
    `"${commandLine(argv)}" ended with status ${exitCode}${said === '' ? '' : `: ${said}`}`,
  );
}

function commandLine(argv: readonly string[]): string {
  const line = argv.map(shellQuote).join(' ');
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
