import { nearest } from '../../lib/nearest.ts';
import { TsstackError } from '../../model/error.ts';
import { type Dict, isDict, type Path, type Value } from '../node.ts';
import { quoted } from '../printable.ts';

/** A path into the canonical model, and the value at each of its steps, the whole model first. */
export interface Target {
  readonly path: Path;
  readonly values: readonly Value[];
}

/** One step as it was written: a quoted one is a name as it stands. */
interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

const word = /\.?(?:\[(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\]"']+))\]|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^.[\]"']+))/y;

/**
 * `services.web.ports[0]`, `services.web.ports.0`, `services.web.labels["a.b"]` as words. Throws `usage`.
 */
export function parsePath(text: string): readonly Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < text.length) {
    word.lastIndex = at;
    const match = text[at] === '.' && at === 0 ? null : word.exec(text);
    if (match === null) {
      throw new TsstackError(
        'usage',
        `--explain: ${quoted(text)} is no path: ${quoted(text.slice(at))} is not a step`,
        {
          hint: 'Write names with dots between, list items in brackets: services.web.ports[0], services.web.labels["a.b"]',
        },
      );
    }
    const escaped = match[1] ?? match[4];
    const literal = escaped?.replace(/\\(.)/g, '$1') ?? match[2] ?? match[5];
    words.push({ text: literal ?? match[3] ?? match[6] ?? '', quoted: literal !== undefined });
    at = word.lastIndex;
  }
  return words;
}

/**
 * Finds what the words lead to. An item of a list is a number, or what it is called: the name of a variable, the source
 * or target of a mount, the number of a port. A name with dots may be written without brackets. `elsewhere` says more of
 * a path that is not there. Throws `usage`, with the nearest name at the step that fails.
 */
export function findTarget(model: Dict, words: readonly Word[], elsewhere: (path: Path) => string | undefined): Target {
  const path: (string | number)[] = [];
  const values: Value[] = [model];
  for (let index = 0; index < words.length; ) {
    const value = values.at(-1) ?? null;
    const found = step(value, words, index);
    if (found === undefined) throw missing({ path, value, word: words[index]?.text ?? '' }, elsewhere);
    path.push(found.key);
    values.push(found.value);
    index += found.words;
  }
  return { path, values };
}

interface Found {
  readonly key: string | number;
  readonly value: Value;
  /** How many of the words it took. */
  readonly words: number;
}

function step(value: Value, words: readonly Word[], index: number): Found | undefined {
  const first = words[index];
  if (first === undefined) return undefined;
  if (Array.isArray(value)) {
    const key = itemIndex(value, first);
    const item = value[key];
    return item === undefined ? undefined : { key, value: item, words: 1 };
  }
  if (!isDict(value)) return undefined;
  for (let end = index + 1; end <= words.length; end++) {
    const key = words
      .slice(index, end)
      .map((each) => each.text)
      .join('.');
    if (Object.hasOwn(value, key)) return { key, value: value[key] ?? null, words: end - index };
    if (first.quoted) return undefined;
  }
  return undefined;
}

/** What an item of a list may be called by. */
const naming = ['target', 'source', 'published', 'name', 'path'] as const;

/** A single value as text; empty for what has parts. */
export function plainText(value: Value | undefined): string {
  return typeof value === 'object' || value === undefined ? '' : String(value);
}

function itemIndex(items: readonly Value[], { text, quoted: literal }: Word): number {
  const number = Number(text);
  if (!literal && /^\d+$/.test(text) && number < items.length) return number;
  return items.findIndex((item) => {
    if (isDict(item)) return naming.some((key) => plainText(item[key]) === text);
    return plainText(item) === text || plainText(item).startsWith(`${text}=`);
  });
}

function missing(
  { path, value, word: name }: { path: Path; value: Value; word: string },
  elsewhere: (path: Path) => string | undefined,
): TsstackError {
  const where = path.length === 0 ? 'the stack' : pathText(path);
  const hint = elsewhere([...path, name]) ?? hintFor(value, name);
  return new TsstackError('usage', `There is nothing to explain: ${where} has no ${quoted(name)}`, { hint });
}

function hintFor(value: Value, name: string): string {
  if (Array.isArray(value)) return `It is a list of ${value.length}: write a number from 0 to ${value.length - 1}`;
  if (!isDict(value)) return `Its value is ${JSON.stringify(value)}, which has no parts`;
  const names = Object.keys(value);
  const close = nearest(name, names);
  if (close !== undefined) return `Did you mean "${close}"?`;
  const more = names.length > 20 ? `, and ${names.length - 20} more` : '';
  return names.length === 0 ? 'It is empty' : `It has ${names.slice(0, 20).join(', ')}${more}`;
}

/** A path as it can be given again. */
export function pathText(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      if (!/^[^.[\]"'\s]+$/.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}

/** Everything below a target that has no parts itself, in order; at most `limit`, and how many more there are. */
export function leavesOf(target: Target, limit: number): { leaves: readonly Target[]; more: number } {
  const leaves: Target[] = [];
  let more = 0;
  const walk = ({ path, values }: Target): void => {
    const value = values.at(-1) ?? null;
    const children: [string | number, Value][] = Array.isArray(value)
      ? [...value.entries()]
      : isDict(value)
        ? Object.entries(value)
        : [];
    for (const [key, child] of children) walk({ path: [...path, key], values: [...values, child] });
    if (children.length > 0) return;
    if (leaves.length < limit) leaves.push({ path, values });
    else more += 1;
  };
  walk(target);
  return { leaves, more };
}
