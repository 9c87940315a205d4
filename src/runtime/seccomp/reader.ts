import { TsstackError } from '../../model/error.ts';

/** A value of a profile with the place where it is written: `syscalls[3].args[0]`. */
export class Reader {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  /** `null` counts as absent, as Go reads it. */
  get absent(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** An object with no keys but these. */
  object(known: readonly string[]): { readonly at: (key: string) => Reader } {
    const { value, path } = this;
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw this.refuse('is not an object');
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      throw new Reader(undefined, join(path, key)).refuse(
        'is not known',
        `Take it out, or write one of: ${known.join(', ')}.`,
      );
    }
    const fields = new Map<string, unknown>(Object.entries(value));
    return { at: (key) => new Reader(fields.get(key), join(path, key)) };
  }

  /** Absent: an empty one. */
  list(): readonly Reader[] {
    if (this.absent) return [];
    if (!Array.isArray(this.value)) throw this.refuse('is not a list');
    return this.value.map((each, index) => new Reader(each, `${this.path}[${index}]`));
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.refuse('is not a text');
    return this.value;
  }

  oneOf<Word extends string>(words: Iterable<Word>, what: string): Word {
    const text = this.text();
    const known = [...words];
    const found = known.find((word) => word === text);
    if (found === undefined)
      throw this.refuse(`there is no ${what} ${JSON.stringify(text)}`, `Known are ${known.join(', ')}.`);
    return found;
  }

  /** 0 to `largest`. JSON numbers that a double cannot hold come as bigint, from `parseExactly()`. */
  whole(largest: bigint): bigint {
    const { value } = this;
    const exact = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof exact !== 'bigint') throw this.refuse(`${show(value)} is not a whole number`);
    if (exact < 0n || exact > largest) {
      throw this.refuse(
        `${exact} is not between 0 and ${largest}`,
        'Write negative values as unsigned ones, of 64 bits.',
      );
    }
    return exact;
  }

  refuse(
    why: string,
    hint = "Write it in Docker's seccomp format, or set security_opt to seccomp=unconfined.",
  ): TsstackError {
    const where = this.path === '' ? '' : `${this.path}: `;
    return new TsstackError('launch-failed', `${where}${why}`, { hint });
  }
}

/** JSON, in which whole numbers beyond 2^53 are exact: bigint. Throws what `JSON.parse()` throws. */
export function parseExactly(text: string): unknown {
  const exact: Reviver = (_key, value, { source } = {}) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value;
  return JSON.parse(text, exact);
}

/** ECMA-262, "JSON.parse source text access": the third argument has a number as it is written. */
type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

function join(path: string, key: string): string {
  const step = /^[A-Za-z_]\w*$/.test(key) ? key : `[${JSON.stringify(key)}]`;
  return path === '' || step.startsWith('[') ? `${path}${step}` : `${path}.${step}`;
}

function show(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing');
}
