/** Numbers below a limit, the same ones for the same seed (the linear congruential generator of POSIX `rand`). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (this.#state >> 8) % limit;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

/** Pieces of YAML that change what stands around them. */
const pieces = [
  ...[' ', '  ', '\n', '\n\n', ':', ': ', '- ', '#', ' #', '"', "'", '{', '}', '[', ']', ',', '&a ', '*a', '<<: '],
  ...['|', '>', '!x ', '---\n', 'null', '1', '~', '\t', '?', '-', '.', '\\', '$', '${', '%', '@', 'a: b\n', 'true'],
];

/** The text with a piece put in, a few characters or a line taken out, a line doubled or moved sideways. */
export function mutateText(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const lines = text.split('\n');
  const line = random.below(lines.length);
  const chosen = lines[line] ?? '';
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + random.pick(pieces) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + random.below(3));
    case 2:
      return lines.toSpliced(line, 1).join('\n');
    case 3:
      return lines.toSpliced(line, 0, chosen).join('\n');
    case 4:
      return lines.with(line, `${' '.repeat(1 + random.below(4))}${chosen}`).join('\n');
    default:
      return lines.with(line, chosen.replace(/^ {1,2}/, '')).join('\n');
  }
}

/** The bytes with one bit turned over, or a line taken out or doubled. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  if (random.below(3) > 0) return Buffer.from(mutateText(bytes.toString(), random));
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}
