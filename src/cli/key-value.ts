import { TsstackError } from '../model/error.ts';

/** `KEY=VALUE` of an option, or `KEY` alone for an empty value. Throws `usage`. */
export function keyValues(option: string, words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [key = '', ...rest] = word.split('=');
      if (key === '') throw new TsstackError('usage', `Option --${option} needs KEY=VALUE, got "${word}"`);
      return [key, rest.join('=')];
    }),
  );
}
