import { didYouMean } from '../../lib/nearest.ts';
import { Problem } from './problems.ts';
import type { RawInstruction, Word } from './raw-instruction.ts';

type Kind = 'text' | 'flag' | 'list';

/** The flags of an instruction, taken by name. */
export interface Flags {
  /** undefined: not given. */
  readonly text: (name: string) => string | undefined;
  readonly flag: (name: string) => boolean | undefined;
  readonly list: (name: string) => readonly Word[];
}

/** Checks flags against those that an instruction has. Throws a `Problem`. */
export function parseFlags({ keyword, flags }: RawInstruction, known: Readonly<Record<string, Kind>>): Flags {
  const values = new Map<string, Word[]>();
  for (const { text, offset } of flags) {
    const equals = text.indexOf('=');
    const name = equals === -1 ? text.slice(2) : text.slice(2, equals);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw new Problem(`${keyword} has no flag --${name}`, hintFor(name, known), offset);
    const value = equals === -1 ? undefined : text.slice(equals + 1);
    if (kind !== 'flag' && value === undefined) {
      throw new Problem(`--${name} of ${keyword} has no value`, `Write --${name}=VALUE`, offset);
    }
    if (kind === 'flag' && value !== undefined && !/^(true|false)$/i.test(value)) {
      throw new Problem(`--${name} of ${keyword} is ${JSON.stringify(value)}`, 'It is true or false', offset);
    }
    const before = values.get(name) ?? [];
    if (before.length > 0 && kind !== 'list') throw new Problem(`--${name} is given twice`, undefined, offset);
    values.set(name, [...before, { text: value ?? 'true', offset }]);
  }
  return {
    text: (name) => values.get(name)?.[0]?.text,
    flag: (name) => {
      const value = values.get(name)?.[0]?.text;
      return value === undefined ? undefined : value.toLowerCase() === 'true';
    },
    list: (name) => values.get(name) ?? [],
  };
}

function hintFor(name: string, known: Readonly<Record<string, Kind>>): string {
  const names = Object.keys(known).map((each) => `--${each}`);
  return didYouMean(`--${name}`, names) ?? (names.length === 0 ? 'It has no flags' : `It has ${names.join(', ')}`);
}
