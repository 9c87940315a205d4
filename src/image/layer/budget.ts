import { TsstackError } from '../../model/error.ts';
import { LIMITS_FILE, type UnpackLimits } from '../limits.ts';

/** Counts what one image costs, over all its layers, or one archive. Throws `image-invalid` when a limit is passed. */
export class Budget {
  readonly #limits: UnpackLimits;
  /** For messages. */
  readonly #what: string;
  #unpacked = 0;
  #packed = 0;
  #fileBytes = 0;
  #entries = 0;
  #devices = 0;

  constructor(limits: UnpackLimits, what = 'the image') {
    this.#limits = limits;
    this.#what = what;
  }

  packed(bytes: number): void {
    this.#packed += bytes;
  }

  /** Bytes of tar stream. */
  unpacked(bytes: number): void {
    this.#unpacked += bytes;
    this.#bound('unpacked', this.#unpacked, 'unpacks to more than', 'bytes');
    if (this.#unpacked > this.#limits.ratioFreeBytes && this.#unpacked > this.#packed * this.#limits.ratio) {
      throw tooMuch(`it unpacks to more than ${this.#limits.ratio} times its size: a decompression bomb`, 'ratio');
    }
  }

  /** Apparent size of a file: a hole costs no disk, but whoever copies it pays. */
  file(bytes: number): void {
    this.#fileBytes += bytes;
    this.#bound('unpacked', this.#fileBytes, 'has files of more than', 'bytes');
  }

  entry(): void {
    this.#entries += 1;
    this.#bound('entries', this.#entries, 'has more than', 'entries');
  }

  device(): void {
    this.#devices += 1;
    this.#bound('devices', this.#devices, 'has more than', 'device nodes');
  }

  #bound(name: 'unpacked' | 'entries' | 'devices', value: number, what: string, unit: string): void {
    const limit = this.#limits[name === 'unpacked' ? 'unpackedBytes' : name];
    if (value > limit) throw tooMuch(`${this.#what} ${what} ${limit} ${unit}`, name);
  }
}

function tooMuch(message: string, name: string): TsstackError {
  return new TsstackError('image-invalid', message, {
    hint: `If you trust it, raise "${name}" in ${LIMITS_FILE}`,
  });
}
