/** One challenge of a WWW-Authenticate header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const LENGTH = 8192;
/** RFC 9110, section 5.6.2; `/` and `=` besides, for token68 and for values that should be quoted and are not. */
const TOKEN = /[\w!#$%&'*+.^`|~/:?=-]+/y;
const NAME = /([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?=["\w!#$%&'*+.^`|~/:?-])/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const GAP = /[ \t,]*/y;

/** Several challenges may stand in one header, with commas between them and between their parameters. */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, LENGTH);
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(GAP);
    const parameter = take(NAME);
    if (parameter === null) {
      const scheme = take(TOKEN);
      if (scheme === null) return found;
      found.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() });
      continue;
    }
    const quoted = take(QUOTED);
    const value = quoted === null ? take(TOKEN)?.[0] : quoted[1]?.replaceAll(/\\(.)/g, '$1');
    if (value === undefined) return found;
    found.at(-1)?.parameters.set((parameter[1] ?? '').toLowerCase(), value);
  }
}
