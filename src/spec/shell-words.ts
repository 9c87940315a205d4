/** Words of a command line, and what a shell would have done with the rest. */
export interface ShellWords {
  readonly words: readonly string[];
  /** Text from an unquoted `;`, `&`, `|`, `<` or `>` on: there is no shell, so it is not passed. */
  readonly rest: string;
}

/**
 * Splits the string form of `command` as Compose does: blanks divide, quotes and backslashes join, nothing is expanded.
 * An unquoted operator of the shell ends the command. Undefined for an open quote or a backslash at the end.
 */
export function shellWords(text: string): ShellWords | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let parentheses = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '\\' && quote !== "'") {
      if (++at >= text.length) return undefined;
      word = (word ?? '') + text[at];
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (parentheses === 0 && ' \t\r\n'.includes(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (parentheses === 0 && ';&|<>'.includes(character)) {
      if (word !== undefined) words.push(word);
      return { words, rest: text.slice(at) };
    } else {
      if (character === '(' && (word ?? '').endsWith('$')) parentheses++;
      else if (character === '(' && parentheses === 0) return undefined;
      if (character === ')' && parentheses > 0) parentheses--;
      word = (word ?? '') + character;
    }
  }
  if (quote !== '' || parentheses > 0) return undefined;
  if (word !== undefined) words.push(word);
  return { words, rest: '' };
}
