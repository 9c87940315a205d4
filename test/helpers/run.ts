import { spawn } from 'node:child_process';

/** When a test is taken for hung. scripts/test.sh gives an emulated machine more. */
export const TEST_DEADLINE_MS = Number(process.env['TEST_TIMEOUT_MS'] ?? 300_000);
const RUN_DEADLINE_MS = TEST_DEADLINE_MS * 0.4;
const UNTIL_DEADLINE_MS = TEST_DEADLINE_MS * 0.2;

export interface Finished {
  /** Exit status; 128 + signal number is not made up here: a killed program has null. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Killed after this time: a deadline for a hang. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end and collects its output; never throws for a failing one. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const [command = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
    });
    // Not spawn()'s own `timeout`: for a program that is not there, it keeps the event loop alive until it is over.
    const deadline = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? RUN_DEADLINE_MS);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    child.once('close', (status) => {
      clearTimeout(deadline);
      resolve({ status, stdout, stderr });
    });
    child.stdin.on('error', () => {}).end(options.stdin ?? '');
  });
}

/** Standard output of a program that must succeed. */
export async function output(...argv: string[]): Promise<string> {
  const finished = await run(argv);
  if (finished.status !== 0) throw new Error(`${argv.join(' ')}: status ${finished.status}\n${finished.stderr}`);
  return finished.stdout;
}

/** Waits until `probe` gives something else than undefined or false; a throwing probe is asked again. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = UNTIL_DEADLINE_MS,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
