import { TsstackError } from '../model/error.ts';
import type { Context } from './command.ts';
import { didYouMean } from './suggest.ts';

/** What may follow a command's name (`volume ls`), with the options that have a meaning for it. */
export type Verbs<Options> = Readonly<
  Record<
    string,
    {
      readonly options: readonly string[];
      /** Gives the exit status. */
      readonly run: (context: Context, operands: readonly string[], options: Options) => Promise<number>;
    }
  >
>;

interface Call<Options> {
  /** Of the command. */
  readonly name: string;
  /** Names of the command's own options. */
  readonly known: readonly string[];
  readonly operands: readonly string[];
  readonly options: Options;
}

/** Runs what the first operand says. Throws `usage` for a word or an option that has no meaning. */
export function runVerb<Options extends object>(
  context: Context,
  verbs: Verbs<Options>,
  { name, known, operands, options }: Call<Options>,
): Promise<number> {
  const [word = '', ...rest] = operands;
  const verb = Object.hasOwn(verbs, word) ? verbs[word] : undefined;
  if (verb === undefined) throw unknownVerb(name, word, Object.keys(verbs));
  for (const [option, given] of Object.entries(options)) {
    const said = given !== undefined && given !== false && !(Array.isArray(given) && given.length === 0);
    if (known.includes(option) && said && !verb.options.includes(option)) {
      throw new TsstackError('usage', `Option --${option} has no meaning for "${name} ${word}"`);
    }
  }
  return verb.run(context, rest, options);
}

function unknownVerb(name: string, word: string, verbs: readonly string[]): TsstackError {
  const close = word === '' ? undefined : didYouMean(word, verbs);
  return new TsstackError('usage', word === '' ? `${name} needs to know what to do` : `There is no "${name} ${word}"`, {
    hint: close === undefined ? `Write one of: ${verbs.join(', ')}` : `Did you mean "${name} ${close}"?`,
  });
}
