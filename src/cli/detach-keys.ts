import { TsstackError } from '../model/error.ts';

/** Docker's. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';
const CONTROL: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/** `ctrl-p,ctrl-q`, `ctrl-@`, `a`: the bytes that a terminal sends for them; empty: none. Throws `usage`. */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  return Uint8Array.from(text.split(','), (key) => {
    if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    const name = /^ctrl-(.)$/.exec(key)?.[1] ?? '';
    const code = /^[a-z]$/i.test(name) ? name.toLowerCase().charCodeAt(0) - 96 : CONTROL[name];
    if (code !== undefined) return code;
    throw new TsstackError('usage', `"${key}" is no key to detach with`, {
      hint: 'Write keys as in ctrl-p,ctrl-q: one character, or ctrl- and a letter or one of @ [ \\ ] ^ _',
    });
  });
}

/** Finds the keys that detach in what is typed; what may be their beginning is kept back until it is clear. */
export class DetachKeys {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What of the bytes goes on; undefined: the keys were typed. */
  pass(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#keys.length === 0) return bytes;
    const out: number[] = [];
    for (const byte of bytes) {
      if (byte !== this.#keys[this.#matched]) {
        out.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) this.#matched += 1;
      else out.push(byte);
      if (this.#matched === this.#keys.length) return undefined;
    }
    return Uint8Array.from(out);
  }
}
