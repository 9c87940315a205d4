import { execa } from 'execa';
import { shellQuote } from '../lib/shell-quote.ts';
import { TsstackError } from '../model/error.ts';
import type { RunOptions, RunResult } from './host.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT_BYTES = 32 * 1024 * 1024;

/**
 * Runs a program to its end. argv is never seen by a shell. Throws `missing-tool` when there is no such program,
 * `command-timeout`, `cancelled`, and `command-failed` with argv, status and standard error.
 */
export async function runCommand(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const result = await execa(file, args, {
    reject: false,
    ...(options.stdin === undefined ? { stdin: 'ignore' as const } : { input: options.stdin }),
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_LIMIT_BYTES,
    stripFinalNewline: false,
    ...(options.signal !== undefined && { cancelSignal: options.signal }),
  });
  if (result.isCanceled) throw new TsstackError('cancelled', `Stopped waiting for: ${commandLine(argv)}`);
  if (result.timedOut)
    throw new TsstackError('command-timeout', `No end after ${timeoutMs / 1000} s: ${commandLine(argv)}`);
  if (result.code === 'ENOENT') {
    throw new TsstackError('missing-tool', `There is no program "${file}" on this machine`, {
      hint: 'Run "tsstack doctor": it names the package to install',
    });
  }
  const exitCode = result.exitCode ?? 128;
  if (exitCode !== 0 && options.allowFailure !== true) throw failed(argv, exitCode, result.stderr);
  return { stdout: result.stdout, stderr: result.stderr, exitCode };
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
