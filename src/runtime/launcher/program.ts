import type { SyscallName } from './syscalls.ts';

/** A place in the launcher's data: a NUL-terminated string, bytes, or a structure that points to further data. */
export type Datum = string | Uint8Array | Structure;

/** Pieces that follow each other: bytes as they are, and 8-byte pointers. */
export interface Structure {
  readonly pieces: readonly (Uint8Array | { readonly pointer: string | Uint8Array | Structure | Scratch })[];
}

/** Address of a writable page, for calls that give something back that nobody reads. */
export interface Scratch {
  readonly scratch: true;
}

export type Argument = number | bigint | Datum | Scratch;

/** One system call of the launcher. */
export interface Call {
  readonly name: SyscallName;
  /** At most six. */
  readonly args: readonly Argument[];
  /** What it does, as the listing and error messages say it. */
  readonly words: string;
  /** At most three errno values that are no failure. */
  readonly tolerate: readonly number[];
  /** How many of the following calls to leave out after a tolerated error. */
  readonly skip: number;
  /**
   * The child that the call makes goes on with the next call. `wait`: the caller waits for it and ends as it ended. `init`: so
   * too, and meanwhile it reaps every other child and passes signals on; it must have blocked them. `adopt`: the caller ends
   * when it has no child any more, those included that it adopted, and as the last of them ended.
   */
  readonly fork: 'no' | 'wait' | 'init' | 'adopt';
  /** How many of the following calls are for the child that the call makes, and left out by its parent. */
  readonly parentSkips: number;
  /** The call gives back a new descriptor: the lowest free one. */
  readonly opens: boolean;
  /** Replaces the process when it succeeds. */
  readonly executes: boolean;
}

export interface CallOptions {
  readonly tolerate?: readonly number[];
  readonly skip?: number;
  readonly fork?: 'wait' | 'init' | 'adopt';
  readonly parentSkips?: number;
  readonly executes?: boolean;
}

/**
 * The launcher while it is written: a straight line of system calls. There is no place to keep a result in, so a
 * descriptor's number must be known beforehand; it is, since the kernel gives the lowest free one, and this class counts.
 */
export class Program {
  readonly #calls: Call[] = [];
  readonly #descriptors: Set<number>;

  /** `descriptors`: those that are open when the launcher starts; every other one must be closed by its first calls. */
  constructor(descriptors: readonly number[]) {
    this.#descriptors = new Set(descriptors);
  }

  get calls(): readonly Call[] {
    return this.#calls;
  }

  call(name: SyscallName, args: readonly Argument[], words: string, options: CallOptions = {}): void {
    this.#push(name, args, words, { ...options, opens: false });
  }

  /** A call that opens a descriptor; gives its number. Tolerated errors must skip everything that uses it. */
  open(name: SyscallName, args: readonly Argument[], words: string, options: CallOptions = {}): number {
    let descriptor = 0;
    while (this.#descriptors.has(descriptor)) descriptor += 1;
    this.#descriptors.add(descriptor);
    this.#push(name, args, words, { ...options, opens: true });
    return descriptor;
  }

  /** pipe2(2): gives the numbers of the reading and the writing end. */
  pipe(words: string): readonly [number, number] {
    const read = this.open('pipe2', [{ scratch: true }, 0], words);
    let write = 0;
    while (this.#descriptors.has(write)) write += 1;
    this.#descriptors.add(write);
    return [read, write];
  }

  close(descriptor: number): void {
    if (!this.#descriptors.delete(descriptor)) throw new Error(`descriptor ${descriptor} is not open`);
    this.call('close', [descriptor], `close ${descriptor}`);
  }

  /** Close these and everything between them, which must all be open. */
  closeRange(first: number, last: number): void {
    for (let descriptor = first; descriptor <= last; descriptor += 1) {
      if (!this.#descriptors.delete(descriptor)) throw new Error(`descriptor ${descriptor} is not open`);
    }
    this.call('close_range', [first, last, 0], `close ${first} to ${last}`);
  }

  #push(
    name: SyscallName,
    args: readonly Argument[],
    words: string,
    options: CallOptions & { readonly opens: boolean },
  ): void {
    const { tolerate = [], skip = 0, fork = 'no', parentSkips = 0, executes = false, opens } = options;
    if (args.length > 6 || tolerate.length > 3 || skip > 255 || parentSkips > 255)
      throw new Error(`${name} does not fit into the table`);
    this.#calls.push({ name, args, words, tolerate, skip, fork, parentSkips, opens, executes });
  }
}
