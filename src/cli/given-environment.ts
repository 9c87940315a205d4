import { TsstackError } from '../model/error.ts';

/** Variables of `-e KEY=VALUE` and `-e KEY`, which passes ours on where we have it. `option`: its name. Throws `usage`. */
export function givenEnvironment(
  ours: Readonly<Record<string, string>>,
  given: readonly string[],
  option = '--env',
): Record<string, string> {
  const pairs = given.flatMap((word): [string, string][] => {
    const equals = word.indexOf('=');
    if (equals > 0) return [[word.slice(0, equals), word.slice(equals + 1)]];
    if (equals === 0) throw new TsstackError('usage', `Option ${option} needs KEY=VALUE, got "${word}"`);
    const value = ours[word];
    return value === undefined ? [] : [[word, value]];
  });
  return Object.fromEntries(pairs);
}

/** `KEY=VALUE`, or `KEY` for an empty one. */
export function givenLabels(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((word) => {
      const equals = word.indexOf('=');
      return equals === -1 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}
