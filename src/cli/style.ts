const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

/** Names of what text can be made to look like. */
export type Look = keyof typeof CODES;

/** Paints text with ANSI sequences (ECMA-48 SGR), or leaves it alone. */
export type Style = (look: Look, text: string) => string;

/** A style that leaves text alone. */
export const PLAIN: Style = (_look, text) => text;

/** A style that paints. */
export const COLOR: Style = (look, text) => `\u001b[${CODES[look][0]}m${text}\u001b[${CODES[look][1]}m`;
