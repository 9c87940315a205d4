/** The beginning of a line that fits into so many columns of a terminal. */
export function fitWidth(line: string, columns: number): string {
  let width = 0;
  let end = 0;
  for (const character of line) {
    width += WIDE.test(character) ? 2 : 1;
    if (width > columns) return line.slice(0, end);
    end += character.length;
  }
  return line;
}

/** What takes two columns (Unicode TR 11), roughly: what is taken for wide and is not only ends a line early. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f000}-\u{3fffd}]/u;
