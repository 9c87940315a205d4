import { imageInvalid } from '../errors.ts';
import type { UnpackLimits } from '../limits.ts';

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
    this.#bound('unpacks to more than', this.#unpacked, this.#limits.unpackedBytes, ' bytes');
    if (this.#unpacked > this.#limits.ratioFreeBytes && this.#unpacked > this.#packed * this.#limits.ratio) {
      throw imageInvalid(`it unpacks to more than ${this.#limits.ratio} times its size: a decompression bomb`);
    }
  }

  /** Apparent size of a file: a hole costs no disk, but whoever copies it pays. */
  file(bytes: number): void {
    this.#fileBytes += bytes;
    this.#bound('has files of more than', this.#fileBytes, this.#limits.unpackedBytes, ' bytes');
  }

  entry(): void {
    this.#entries += 1;
    this.#bound('has more than', this.#entries, this.#limits.entries, ' entries');
  }

  device(): void {
    this.#devices += 1;
    this.#bound('has more than', this.#devices, this.#limits.devices, ' device nodes');
  }

  #bound(what: string, value: number, limit: number, unit: string): void {
    if (value > limit) throw imageInvalid(`${this.#what} ${what} ${limit}${unit}`);
  }
}
