import { spawn } from 'node:child_process';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { ProbeOptions, ProbeResult } from './host.ts';

let counter = 0;

/** Runs a program inside a container: health checks and hooks. Never throws for what the program does. */
export function runProbe(argv: readonly string[], launcher: Uint8Array, options: ProbeOptions): Promise<ProbeResult> {
  const [file = '', ...args] = argv;
  const descriptor = openUnlinked(launcher);
  return new Promise((resolve, reject) => {
    // A session of its own: the whole tree can be killed by its process group.
    const child = spawn(file, args, {
      detached: true,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'pipe', 'pipe', descriptor],
    });
    closeSync(descriptor);
    const output = new Tail(options.outputLimitBytes);
    child.stdout?.on('data', (chunk: Buffer) => output.add(chunk));
    child.stderr?.on('data', (chunk: Buffer) => output.add(chunk));
    const kill = (): void => killGroup(child.pid);
    const timer = setTimeout(kill, options.timeoutMs);
    options.signal?.addEventListener('abort', kill, { once: true });
    child.on('error', reject);
    child.on('exit', (exitCode) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', kill);
      // What it left running keeps the pipes open; it is not waited for.
      setImmediate(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve({ ...(exitCode !== null && { exitCode }), output: output.text() });
      });
    });
  });
}

/** A file without a name: nobody else can open or change it, and it goes with its last descriptor. */
function openUnlinked(data: Uint8Array): number {
  counter += 1;
  const path = `${tmpdir()}/.tsstack-${process.pid}-${counter}`;
  writeFileSync(path, data, { mode: 0o700, flag: 'wx' });
  try {
    return openSync(path, 'r');
  } finally {
    unlinkSync(path);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** The last bytes of an output. */
class Tail {
  readonly #limit: number;
  #bytes = Buffer.alloc(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-this.#limit);
  }

  text(): string {
    return this.#bytes.toString();
  }
}
