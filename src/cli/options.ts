import { TsstackError } from '../model/error.ts';
import { didYouMean } from './suggest.ts';

type Kind = 'flag' | 'value' | 'list';

/** One option of a command. */
export interface Option<K extends Kind = Kind> {
  /** `flag` takes no value, `list` may be given several times. */
  readonly kind: K;
  /** One letter. */
  readonly short?: string;
  /** Name of the value in help texts. */
  readonly placeholder?: string;
  readonly help: string;
  /** A flag that is on unless it is given as `--name=false`. */
  readonly on?: true;
}

/** Options by long name, without the dashes. */
export type Options = Readonly<Record<string, Option>>;

/** What was given: false, undefined or empty where it was not. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name]['kind'] extends 'flag'
    ? boolean
    : O[Name]['kind'] extends 'list'
      ? readonly string[]
      : string | undefined;
};

/** An option without a value. `names` is `-d` or empty. */
export function flag(short: string, help: string): Option<'flag'> {
  return { kind: 'flag', help, ...(short !== '' && { short }) };
}

/** A flag that is on unless it is given as `--name=false`. */
export function onFlag(help: string): Option<'flag'> {
  return { kind: 'flag', help, on: true };
}

/** An option with one value; given twice, the last one counts. */
export function value(short: string, placeholder: string, help: string): Option<'value'> {
  return { kind: 'value', placeholder, help, ...(short !== '' && { short }) };
}

/** An option that may be given several times. */
export function list(short: string, placeholder: string, help: string): Option<'list'> {
  return { kind: 'list', placeholder, help, ...(short !== '' && { short }) };
}

type RawValues = Record<string, boolean | string | readonly string[] | undefined>;

/** Options that were read, and the words that are none. */
export interface Parsed {
  readonly values: Readonly<RawValues>;
  readonly operands: readonly string[];
}

/**
 * Reads `argv` as getopt_long(3) does: `-it`, `-n5`, `-n 5`, `--tail=5`, `--tail 5`, `--` ends options.
 * `stopAtOperand`: what follows the first operand is not looked at. Throws `usage`.
 */
export function parseOptions(options: Options, argv: readonly string[], stopAtOperand: boolean): Parsed {
  const values = emptyValues(options);
  const words = [...argv];
  const operands: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') return { values, operands: [...operands, ...words] };
    if (word.startsWith('--')) readLong(options, word, words, values);
    else if (word.startsWith('-') && word !== '-') readShort(options, word, words, values);
    else if (stopAtOperand) return { values, operands: [word, ...words] };
    else operands.push(word);
  }
  return { values, operands };
}

/** Joins what was given before and after the command word: lists are appended, of the rest the later counts. */
export function joinValues(before: Readonly<RawValues>, after: Readonly<RawValues>): Readonly<RawValues> {
  const joined: RawValues = { ...before };
  for (const [name, late] of Object.entries(after)) {
    const early = joined[name];
    if (Array.isArray(late)) joined[name] = [...(Array.isArray(early) ? early : []), ...late];
    else if (late !== undefined && late !== false) joined[name] = late;
    else joined[name] = early ?? late;
  }
  return joined;
}

function emptyValues(options: Options): RawValues {
  return Object.fromEntries(
    Object.entries(options).map(([name, { kind, on }]) => [
      name,
      kind === 'flag' ? on === true : kind === 'list' ? [] : undefined,
    ]),
  );
}

function readLong(options: Options, word: string, rest: string[], values: RawValues): void {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals === -1 ? undefined : equals);
  const given = equals === -1 ? undefined : word.slice(equals + 1);
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) throw unknownOption(`--${name}`, Object.keys(options));
  if (option.kind === 'flag') values[name] = flagValue(name, given);
  else store(values, name, option, given ?? takeValue(`--${name}`, option, rest));
}

function flagValue(name: string, given: string | undefined): boolean {
  if (given === undefined || given === 'true') return true;
  if (given === 'false') return false;
  throw new TsstackError('usage', `Option --${name} takes no value, got "${given}"`);
}

function readShort(options: Options, word: string, rest: string[], values: RawValues): void {
  for (let at = 1; at < word.length; at += 1) {
    const letter = word.charAt(at);
    const found = Object.entries(options).find(([, option]) => option.short === letter);
    if (found === undefined) throw unknownOption(`-${letter}`, []);
    const [name, option] = found;
    if (option.kind === 'flag') {
      values[name] = true;
      continue;
    }
    const attached = word.slice(at + 1).replace(/^=/, '');
    store(values, name, option, attached === '' ? takeValue(`-${letter}`, option, rest) : attached);
    return;
  }
}

function takeValue(shown: string, option: Option, rest: string[]): string {
  const taken = rest.shift();
  if (taken === undefined) throw new TsstackError('usage', `Option ${shown} needs a value: ${option.placeholder}`);
  return taken;
}

function store(values: RawValues, name: string, option: Option, given: string): void {
  const before = values[name];
  values[name] = option.kind === 'list' ? [...(Array.isArray(before) ? before : []), given] : given;
}

function unknownOption(shown: string, names: readonly string[]): TsstackError {
  const close = didYouMean(shown.replace(/^-+/, ''), names);
  return new TsstackError('usage', `Unknown option ${shown}`, {
    hint: close === undefined ? 'Add --help to see the options' : `Did you mean --${close}?`,
  });
}
