/** Longest line that is shown, in characters. */
const WIDTH = 500;

/**
 * The last `count` lines of what a program said, fit for a terminal: control characters are left out, since they could
 * make it show or do anything, and long lines are cut. Empty lines at the end don't count.
 */
export function printableLines(text: string, count: number): readonly string[] {
  return text
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map(printableLine)
    .filter((line, _index, lines) => lines.length > 1 || line !== '');
}

/** One line, the same way. */
export function printableLine(line: string): string {
  return cut(withoutControls(line));
}

/** One line of whatever length without control characters. */
export function withoutControls(line: string): string {
  return line.replaceAll('\t', '  ').replaceAll(CONTROL, '');
}

/** Escape sequences of terminals as a whole (ECMA-48), then every other control character. */
const CONTROL = /\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]/g;

function cut(line: string): string {
  return line.length > WIDTH ? `${line.slice(0, WIDTH)}…` : line;
}
