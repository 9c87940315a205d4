import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { TsstackError } from '../model/error.ts';
import { errorCode } from './descriptors.ts';
import type { Notice } from './entry.ts';

/** An open file that a tool works on. */
export interface Held {
  readonly descriptor: number;
  /** How messages name it. */
  readonly name: string;
}

/** A process costs as much as some hundred files. */
const MAX_BATCH = 2048;

/**
 * Files that one process reads or sets attributes of. Three batches may be open at a time: one that is put, the next one,
 * and what was put and still gets attributes; directories within each other take some, too.
 */
export function batchSize(): number {
  // Node raises its soft limit to the hard one.
  const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  return Math.max(1, Math.min(MAX_BATCH, Math.floor(Number(limit ?? MAX_BATCH) / 8)));
}

/** Where another process finds open files, in their order; this procfs may be of another process namespace than ours. */
export function heldPaths(files: readonly Held[]): readonly string[] {
  const pid = readlinkSync('/proc/self');
  return files.map(({ descriptor }) => `/proc/${pid}/fd/${descriptor}`);
}

/** What a tool said of one file, as strerror(3) has it. */
interface Complaint {
  readonly name: string;
  readonly reason: string;
}

interface Outcome {
  readonly output: string | undefined;
  readonly complaints: readonly Complaint[];
}

interface ToolOptions {
  readonly input?: string;
  /** Of its output. */
  readonly maxBytes: number;
}

/** `getfattr` or `setfattr` (Debian package attr): Node has no calls for extended attributes. */
export class AttrTool {
  readonly #notice: Notice;
  readonly #said = new Set<string>();
  #missing = false;

  constructor(notice: Notice) {
    this.#notice = notice;
  }

  /**
   * Runs one for open files, which are to be named as `heldPaths()` does and stay open: no name of a tree is looked up
   * again. What fails for a file is said once for every reason, and is no failure. Gives its output, one character a
   * byte; undefined: that is longer than the limit.
   */
  async run(
    [program, ...args]: readonly [string, ...string[]],
    files: readonly Held[],
    options: ToolOptions,
  ): Promise<string | undefined> {
    if (this.#missing) return '';
    try {
      const { output, complaints } = await runTool([program, ...args], files, options);
      for (const complaint of complaints) this.#say(program, complaint);
      return output;
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      this.#missing = true;
      this.#notice(`Extended attributes are not copied: there is no ${program} (Debian package attr)`);
      return '';
    }
  }

  #say(program: string, { name, reason }: Complaint): void {
    const done = program === 'getfattr' ? 'read' : 'set';
    if (this.#said.has(reason)) return;
    this.#said.add(reason);
    this.#notice(`Extended attributes of ${name} cannot be ${done}: ${reason}; this is said once`);
  }
}

/** Of messages. */
const STDERR_BYTES = 1 << 16;
/** The attribute went between listing and reading. */
const GONE = 'No such attribute';

function runTool(
  [program, ...args]: readonly [string, ...string[]],
  files: readonly Held[],
  { input, maxBytes }: ToolOptions,
): Promise<Outcome> {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const output = new Limited(maxBytes, () => child.kill('SIGKILL'));
  const errors = new Limited(STDERR_BYTES, () => undefined);
  child.stdout?.on('data', (bytes) => output.add(bytes));
  child.stderr?.on('data', (bytes) => errors.add(bytes));
  // It ends without reading when it cannot begin; that it says itself.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input, 'latin1');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_, signal) => {
      if (signal !== null && !output.over) {
        reject(new TsstackError('command-failed', `${program} was ended by ${signal}`, { hint: 'Copy again' }));
      }
      resolve({ output: output.over ? undefined : output.text, complaints: complaintsOf(errors.text, files) });
    });
  });
}

/** `TOOL: /proc/PID/fd/N: [ATTRIBUTE: ]REASON` */
function complaintsOf(text: string, files: readonly Held[]): readonly Complaint[] {
  return text.split('\n').flatMap((line) => {
    const [, descriptor, reason] = /^(?:\w+: )?\/proc\/\d+\/fd\/(\d+): (?:.*: )?([^:]+)$/.exec(line) ?? [];
    const name = files.find((file) => file.descriptor === Number(descriptor))?.name;
    return name === undefined || reason === undefined || reason === GONE ? [] : [{ name, reason }];
  });
}

/** Bytes up to a limit. */
class Limited {
  readonly #max: number;
  readonly #exceeded: () => void;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  constructor(max: number, exceeded: () => void) {
    this.#max = max;
    this.#exceeded = exceeded;
  }

  get over(): boolean {
    return this.#length > this.#max;
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString('latin1');
  }

  add(bytes: Buffer): void {
    this.#length += bytes.length;
    if (!this.over) this.#pieces.push(bytes);
    else this.#exceeded();
  }
}
