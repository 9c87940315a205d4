import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Architecture, syscallTable } from '../../src/runtime/launcher/syscalls.ts';

const SCRIPT = fileURLToPath(new URL('libseccomp.py', import.meta.url));
/** Debian's module is for Debian's Python, not for another one along PATH. */
const PYTHON = '/usr/bin/python3';

export interface Request {
  /** JSON in Docker's format; text, as numbers may be beyond 2^53. */
  readonly profile: string;
  readonly arch: Architecture;
  /** With `CAP_`. */
  readonly capabilities: readonly string[];
  readonly kernel: readonly [number, number];
}

interface Answer {
  readonly filter: Uint8Array;
  /** Names that the installed libseccomp does not know; it knows their numbers for this machine's architecture from us. */
  readonly unknown: readonly string[];
}

/** What is missing to compare with libseccomp, or undefined. */
export function missingLibseccomp(): string | undefined {
  const { status } = spawnSync(PYTHON, ['-c', 'import seccomp'], { stdio: 'ignore' });
  return status === 0 ? undefined : "libseccomp's Python module (package python3-seccomp)";
}

/** libseccomp itself, in a process that answers one request after the other. */
export class Libseccomp {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Throws an Error with what libseccomp says of a profile that it does not take. */
  async compile({ profile, arch, capabilities, kernel }: Request): Promise<Answer> {
    const rest = JSON.stringify({ arch, capabilities, kernel, numbers: syscallTable(arch) });
    this.#child.stdin.write(`{"profile":${profile.replaceAll(/\s*\n\s*/g, ' ')},${rest.slice(1)}\n`);
    const { value } = await this.#lines.next();
    const answer: unknown = JSON.parse(String(value));
    if (typeof answer !== 'object' || answer === null) throw new Error(`not an answer: ${value}`);
    if (!('filter' in answer) || !('unknown' in answer)) throw new Error(`libseccomp: ${value}`);
    const { filter, unknown } = answer;
    return {
      filter: Buffer.from(String(filter), 'base64'),
      unknown: Array.isArray(unknown) ? unknown.map(String) : [],
    };
  }

  close(): void {
    this.#child.stdin.end();
  }
}
