import { printableLine } from './printable-lines.ts';

/** Lines before and behind. */
const CONTEXT = 2;

/**
 * Lines `from` to `to` (from 1, both in) of a text with those around them, numbered and with a mark, as BuildKit shows what
 * failed. Without control characters.
 */
export function sourceExcerpt(text: string, from: number, to: number): readonly string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const first = Math.max(1, from - CONTEXT);
  const last = Math.min(lines.length, to + CONTEXT);
  const width = String(last).length;
  return lines.slice(first - 1, last).map((line, at) => {
    const number = first + at;
    const mark = number >= from && number <= to ? '>>>' : '   ';
    return `${String(number).padStart(width)} | ${mark} ${printableLine(line)}`.trimEnd();
  });
}
