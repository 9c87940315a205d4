import { parseBytes } from '../../lib/parse-bytes.ts';
import { formatDuration, parseDuration } from '../duration.ts';
import { type Dict, dict, isDict, type Value } from '../node.ts';
import { resolvePath } from '../paths.ts';
import { quoted } from '../printable.ts';
import { shellWords } from '../shell-words.ts';
import { at, baseOf, complain, nameOf, type Place } from './context.ts';

/**
 * Turns a value that fits the schema into its canonical form; undefined leaves the key out. What is empty or false is
 * left out, as the reference does, unless a shape says otherwise.
 */
export type Shape = (value: Value, place: Place) => Value | undefined;

/** A string; numbers and booleans become text; empty is left out. */
export const text: Shape = (value) => (value === null || value === '' ? undefined : String(value));

/** true, or left out. */
export const flag: Shape = (value) => (value === true ? true : undefined);

/** true or false as written: where absent means something else. */
export const choice: Shape = (value) => (typeof value === 'boolean' ? value : undefined);

/** A number; zero is left out. */
export const number: Shape = (value, place) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value === 0 ? undefined : value;
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  if (value === null) return undefined;
  complain(place, { message: `${nameOf(place)} is ${quoted(value)}, which is not a finite number` });
  return undefined;
};

/** A number whose zero means something. */
export const count: Shape = (value, place) => (value === 0 ? 0 : number(value, place));

/** A float of 32 bits, as the reference keeps CPUs: at least 0. */
export const cpus: Shape = (value, place) => {
  const parsed = typeof value === 'string' ? Number(value === '' ? Number.NaN : value) : value;
  if (typeof parsed === 'number' && Number.isFinite(parsed) && parsed >= 0) return parsed === 0 ? undefined : parsed;
  complain(place, { message: `${nameOf(place)} is ${quoted(value)}: it must be a number of CPUs, such as 0.5 or 2` });
  return undefined;
};

/** A size: a decimal string of bytes. `lowest` is -1 where that means "no limit". */
export function bytes(lowest = 0): Shape {
  return (value, place) => {
    const parsed = typeof value === 'number' || typeof value === 'string' ? parseBytes(value) : undefined;
    if (parsed === undefined || parsed < lowest) {
      const hint = 'write a size such as 512m or 1.5g';
      complain(place, { message: `${nameOf(place)} is ${quoted(value)}, which is not a size`, hint });
      return undefined;
    }
    return parsed === 0 ? undefined : String(parsed);
  };
}

/** A duration, printed as the reference does; `zero` keeps `0s`. Negative ones are refused. */
export const duration: Shape = (value, place) => {
  if (value === null || value === '') return undefined;
  const parsed = parseDuration(String(value));
  if (parsed === undefined || parsed < 0n) {
    const hint = 'write a duration such as 500ms, 10s or 1m30s';
    complain(place, { message: `${nameOf(place)} is ${quoted(value)}, which is not a duration`, hint });
    return undefined;
  }
  return formatDuration(parsed);
};

/** A path below the project directory, made absolute. */
export const path: Shape = (value, place) =>
  typeof value === 'string' && value !== '' ? resolvePath(value, baseOf(place)) : undefined;

/** One value or a list of them. */
export function oneOrMore(item: Shape): Shape {
  return (value, place) => (Array.isArray(value) ? list(item)(value, place) : list(item)([value], place));
}

/** A list; empty is left out. */
export function list(item: Shape): Shape {
  return (value, place) => {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const items: Value[] = [];
    for (const [index, each] of value.entries()) {
      const shaped = item(each, at(place, index));
      if (shaped !== undefined) items.push(shaped);
    }
    return items.length === 0 ? undefined : items;
  };
}

/** List items are kept even when empty. */
export const word: Shape = (value) => (value === null ? '' : String(value));

/** An object with known keys; `x-` keys are dropped. An empty object stays: it was written. */
export function object(shapes: Readonly<Record<string, Shape>>, fill?: (result: Dict, place: Place) => void): Shape {
  return (value, place) => {
    const result = dict();
    if (isDict(value)) {
      for (const key of Object.keys(value)) {
        const shape = Object.hasOwn(shapes, key) ? shapes[key] : undefined;
        const shaped = shape?.(value[key] ?? null, at(place, key));
        if (shaped !== undefined) result[key] = shaped;
      }
    }
    fill?.(result, place);
    return result;
  };
}

/** A mapping with names of the user's choice; an empty one is left out. */
export function mapOf(item: Shape): Shape {
  return (value, place) => {
    if (!isDict(value)) return undefined;
    const result = dict();
    for (const key of Object.keys(value)) {
      const shaped = item(value[key] ?? null, at(place, key));
      if (shaped !== undefined) result[key] = shaped;
    }
    return Object.keys(result).length === 0 ? undefined : result;
  };
}

/** `{KEY: value}` or `[KEY=value]`; a key without a value is `bare`. */
function pairs(bare: string | null): Shape {
  return (value, place) => {
    const result = dict();
    if (Array.isArray(value)) {
      for (const item of value) {
        const entry = String(item);
        const equals = entry.indexOf('=');
        result[equals === -1 ? entry : entry.slice(0, equals)] = equals === -1 ? bare : entry.slice(equals + 1);
      }
    } else if (isDict(value)) {
      for (const [key, each] of Object.entries(value)) {
        if (typeof each === 'object' && each !== null) refuseNested(at(place, key));
        else result[key] = each === null ? bare : String(each);
      }
    }
    return Object.keys(result).length === 0 ? undefined : result;
  };
}

function refuseNested(place: Place): void {
  complain(place, { code: 'schema.type', message: `${nameOf(place)} must be a single value` });
}

/** Labels, annotations, options: a missing value is empty. */
export const labels: Shape = pairs('');
/** Environment and build arguments: a missing value is null, to be taken from the caller. */
export const variables: Shape = pairs(null);

/** `command` and `entrypoint`: words, or null for "the image's". */
export const command: Shape = (value, place) => {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'string') return null;
  const split = shellWords(value);
  if (split === undefined) {
    complain(place, { message: `${nameOf(place)} has an open quote, parenthesis or backslash: ${quoted(value)}` });
    return null;
  }
  if (split.rest !== '') {
    complain(place, {
      severity: 'warning',
      code: 'command.operator',
      message: `${nameOf(place)}: everything from ${quoted(split.rest)} on is dropped, since no shell runs the command`,
      hint: `write ["sh", "-c", ${JSON.stringify(value)}]`,
    });
  }
  return [...split.words];
};
