import { spawn } from 'node:child_process';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { deadline } from '../lib/deadline.ts';
import { listDirectory, readWholeFile } from './files.ts';
import type { ProbeOptions, ProbeResult } from './host.ts';
import { MarkedOutput } from './marked-output.ts';

const KILL_AGAIN_MS = 20;
/** What is still in the pipes of a program that has ended is there by then; what it left running may never close them. */
const DRAIN_MS = 100;

let counter = 0;

/** Runs a program inside a container: health checks and hooks. Never throws for what the program does. */
export function runProbe(argv: readonly string[], launcher: Uint8Array, options: ProbeOptions): Promise<ProbeResult> {
  const [file = '', ...args] = argv;
  const descriptor = openUnlinked(launcher);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      detached: true,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'pipe', 'pipe', descriptor],
    });
    closeSync(descriptor);
    const output = new Tail(options.outputLimitBytes);
    const log = options.log === undefined ? undefined : new MarkedOutput(options.log);
    for (const pipe of [child.stdout, child.stderr]) {
      pipe?.on('data', (chunk: Buffer) => {
        output.add(chunk);
        log?.add(chunk);
      });
    }
    let killing: NodeJS.Timeout | undefined;
    const kill = (): void => {
      // Again and again: what is to be killed may only just be beginning.
      killing ??= setInterval(() => killDescendants(child.pid), KILL_AGAIN_MS);
      killDescendants(child.pid);
      if (options.single === true) child.kill('SIGKILL');
    };
    const forget = options.timeoutMs === undefined ? () => undefined : deadline(options.timeoutMs, kill);
    if (options.signal?.aborted === true) kill();
    options.signal?.addEventListener('abort', kill, { once: true });
    child.on('error', (error) => {
      log?.close();
      reject(error);
    });
    child.on('exit', (exitCode) => {
      forget();
      clearInterval(killing);
      options.signal?.removeEventListener('abort', kill);
      const finish = (): void => {
        clearTimeout(late);
        child.stdout?.destroy();
        child.stderr?.destroy();
        log?.close();
        resolve({ ...(exitCode !== null && killing === undefined && { exitCode }), output: output.text() });
      };
      // Where several end in one moment the end of one is told before its last output. What it left running keeps the pipes
      // open, and is not waited for.
      const late = setTimeout(finish, DRAIN_MS);
      if (child.stdout?.closed === true && child.stderr?.closed === true) finish();
      else child.once('close', finish);
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

/**
 * Kills what a program started, not the program itself: that is an exec's launcher, which waits for its child and ends with it.
 * Killed too soon it would leave its child to the machine's init, and a pid namespace can't end before every process
 * in it has been reaped by its parent (zap_pid_ns_processes in the kernel). All are stopped before the first is killed,
 * so that none can start another or lose its parent meanwhile.
 */
function killDescendants(pid: number | undefined): void {
  const stopped = new Set<number>();
  for (let found = fresh(pid, stopped); found.length > 0; found = fresh(pid, stopped)) {
    for (const each of found) {
      stopped.add(each);
      send(each, 'SIGSTOP');
    }
  }
  for (const each of stopped) send(each, 'SIGKILL');
}

/** Descendants of a process that are not known yet. */
function fresh(pid: number | undefined, known: ReadonlySet<number>): readonly number[] {
  const all = pid === undefined ? [] : children(pid);
  return all.flatMap((child) => [...(known.has(child) ? [] : [child]), ...fresh(child, known)]);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

/** Ids of the children of all of a process's threads: proc_pid_task_children(5). An OCI runtime may have several. */
function children(pid: number): readonly number[] {
  return listDirectory(`/proc/${pid}/task`).flatMap((thread) => {
    const bytes = readWholeFile(`/proc/${pid}/task/${thread}/children`);
    return bytes === undefined ? [] : new TextDecoder().decode(bytes).split(' ').filter(Boolean).map(Number);
  });
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
