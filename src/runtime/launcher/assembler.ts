/** Code under construction with labels; jumps are filled in at the end. */
export class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { at: number; label: string; patch: (from: number, to: number) => readonly number[] }[] = [];

  emit(...bytes: readonly number[]): void {
    this.#bytes.push(...bytes);
  }

  label(name: string): void {
    this.#labels.set(name, this.#bytes.length);
  }

  /** Bytes that depend on the distance to a label; `patch` is asked again when the label's place is known. */
  jump(label: string, patch: (from: number, to: number) => readonly number[]): void {
    this.#fixups.push({ at: this.#bytes.length, label, patch });
    this.#bytes.push(...patch(this.#bytes.length, this.#bytes.length));
  }

  finish(): Uint8Array {
    const code = Uint8Array.from(this.#bytes);
    for (const { at, label, patch } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`no label ${label}`);
      code.set(patch(at, target), at);
    }
    return code;
  }
}

export function little32(value: number): readonly number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
}

/** Opcode byte and an 8-bit distance: x86's short jumps. */
function short(opcode: number): (from: number, to: number) => readonly number[] {
  return (from, to) => {
    const distance = to - from - 2;
    if (distance < -128 || distance > 127) throw new Error('a short jump is too far');
    return [opcode, distance & 255];
  };
}

export const JE = short(0x74);
export const JNE = short(0x75);
export const JS = short(0x78);
export const JG = short(0x7f);
export const JMP = short(0xeb);

/** Opcode bytes and a 32-bit distance. */
function near(...opcode: readonly number[]): (from: number, to: number) => readonly number[] {
  return (from, to) => [...opcode, ...little32(to - from - opcode.length - 4)];
}

export const NEAR_JE = near(0x0f, 0x84);
export const NEAR_JMP = near(0xe9);

/** A64 branch with its distance, in instructions, at bit 0 (`b`) or bit 5 (the others). */
function branch(word: number, bits: number, shift: number): (from: number, to: number) => readonly number[] {
  return (from, to) => little32((word | ((((to - from) / 4) & (2 ** bits - 1)) << shift)) >>> 0);
}

export const B = branch(0x14000000, 26, 0);
export const B_EQ = branch(0x54000000, 19, 5);
export const B_NE = branch(0x54000001, 19, 5);
export const CBNZ_W10 = branch(0x3500000a, 19, 5);
export const B_GT = branch(0x5400000c, 19, 5);
export const CBZ_X0 = branch(0xb4000000, 19, 5);
/** tbnz x0, #63 */
export const TBNZ_SIGN_X0 = branch(0xb7f80000, 14, 5);

export function movz(register: number, value: number): number {
  return 0xd2800000 | (value << 5) | register;
}

export function ldrbW10(offset: number): number {
  return 0x39400000 | (offset << 10) | (19 << 5) | 10;
}
