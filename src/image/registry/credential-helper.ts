import { spawn } from 'node:child_process';
import { printableLines } from '../../lib/printable-lines.ts';
import { TsstackError } from '../../model/error.ts';
import { settingsInvalid } from './settings-file.ts';

export interface HelperRequest {
  /** Without `docker-credential-`. */
  readonly helper: string;
  readonly action: 'get' | 'store' | 'erase';
  readonly stdin: string;
  /** Its `PATH` is where the program is looked for. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** 30,000 unless given: a helper may ask the user for a password. */
  readonly timeoutMs?: number;
  /** Texts that must not come out of here, whatever the program prints. */
  readonly secrets?: readonly string[];
}

const TIMEOUT_MS = 30_000;
const OUTPUT_BYTES = 64 * 1024;
/** What helpers print for what they do not have, as docker-credential-helpers fixes it. */
const NOT_FOUND = 'credentials not found in native keychain';

/**
 * What a helper prints; undefined when it does not know the registry. Throws `registry-settings`, `missing-tool`,
 * `command-timeout`, `cancelled`.
 */
export async function askHelper(request: HelperRequest): Promise<string | undefined> {
  const { helper, action } = request;
  const program = `docker-credential-${helper}`;
  const { status, stdout, stderr } = await runHelper(program, request);
  if (status === 0) return stdout;
  if (stdout.trim() === NOT_FOUND) return undefined;
  const said = sayable(stderr.trim() === '' ? stdout : stderr, request.secrets ?? []);
  throw settingsInvalid(
    `The credential helper "${program} ${action}" ended with status ${status}${said === '' ? '' : `: ${said}`}`,
    "Mend it, or take it out of Docker's config.json.",
  );
}

interface Ended {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function runHelper(
  program: string,
  { action, env, stdin, signal, timeoutMs = TIMEOUT_MS }: HelperRequest,
): Promise<Ended> {
  if (signal.aborted) return Promise.reject(cancelled());
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], { env: { ...env }, stdio: 'pipe', detached: true });
    const output = { stdout: '', stderr: '' };
    const end = (error: TsstackError) => {
      reject(error);
      killGroup(child.pid);
    };
    const late = () =>
      new TsstackError('command-timeout', `"${program} ${action}" did not end in ${timeoutMs / 1000} s`);
    const deadline = setTimeout(() => end(late()), timeoutMs);
    const onAbort = () => end(cancelled());
    signal.addEventListener('abort', onAbort, { once: true });
    const settle = () => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        if (output[name].length > OUTPUT_BYTES) end(settingsInvalid(`"${program} ${action}" printed over 64 KiB`));
      });
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle();
      reject(startFailure(program, error));
    });
    child.once('close', (status, killer) => {
      settle();
      resolve({ status: status ?? String(killer), ...output });
    });
    // A helper that does not read what it is given has its own reasons.
    child.stdin.on('error', () => {}).end(stdin);
  });
}

/** The helper and what it has started: what holds its output open would keep us waiting. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function startFailure(program: string, { code }: NodeJS.ErrnoException): TsstackError {
  if (code === 'ENOENT') {
    return new TsstackError('missing-tool', `There is no program "${program}" in PATH`, {
      hint: "Docker's config.json names it as the keeper of credentials: install it, or take it out there.",
    });
  }
  return settingsInvalid(`"${program}" cannot be started: ${code}`);
}

function cancelled(): TsstackError {
  return new TsstackError('cancelled', 'Looking for credentials was cancelled');
}

/** The first line, unless it might be what the helper keeps. */
function sayable(text: string, secrets: readonly string[]): string {
  if (text.includes('{') || secrets.some((secret) => secret !== '' && text.includes(secret))) return '';
  return printableLines(text.trim().split('\n')[0] ?? '', 1)
    .join('')
    .slice(0, 200);
}
