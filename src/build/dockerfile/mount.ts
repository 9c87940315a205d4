import { didYouMean } from '../../lib/nearest.ts';
import { Problem } from './problems.ts';

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const SHARING = ['shared', 'private', 'locked'] as const;
const KEYS = [
  ...['type', 'from', 'source', 'src', 'target', 'dst', 'destination', 'readonly', 'ro', 'readwrite', 'rw'],
  ...['id', 'sharing', 'required', 'size', 'mode', 'uid', 'gid', 'env'],
];
const UNITS: Readonly<Record<string, number>> = { b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** One `--mount` of RUN, its variables expanded. */
export interface RunMount {
  readonly type: (typeof TYPES)[number];
  /** Stage, named context or image; absent: the build context. */
  readonly from?: string;
  readonly source?: string;
  readonly target?: string;
  readonly readOnly: boolean;
  readonly id?: string;
  /** Of a cache; absent: shared. */
  readonly sharing?: (typeof SHARING)[number];
  readonly required: boolean;
  /** Of a tmpfs. */
  readonly sizeBytes?: number;
  /** Of a cache, a secret or an ssh socket. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** The environment variable that a secret is put into; an empty one: named as the secret. */
  readonly env?: string;
}

type Draft = { -readonly [Key in keyof RunMount]?: RunMount[Key] };

/** A mount with the values that `expand` gives. Throws a `Problem`. */
export function parseMount(text: string, expand: (value: string) => string): RunMount {
  const draft: Draft = { type: 'bind' };
  for (const field of csvFields(text)) {
    const equals = field.indexOf('=');
    const key = (equals === -1 ? field : field.slice(0, equals)).toLowerCase();
    if (!KEYS.includes(key)) {
      throw new Problem(`--mount has no option ${JSON.stringify(key)}`, didYouMean(key, KEYS));
    }
    const bare = equals === -1;
    if (bare && !['readonly', 'ro', 'readwrite', 'rw', 'required'].includes(key)) {
      throw new Problem(`the option ${key} of --mount has no value`, `Write ${key}=VALUE`);
    }
    set(draft, key, bare ? 'true' : expand(field.slice(equals + 1)));
  }
  check(draft);
  const { type = 'bind' } = draft;
  return {
    ...draft,
    type,
    readOnly: draft.readOnly ?? (type !== 'cache' && type !== 'tmpfs'),
    required: draft.required ?? false,
  };
}

/** What `from` of a mount says: it knows no variables, since it decides which stages are built. Throws a `Problem`. */
export function mountFrom(text: string): string | undefined {
  const field = csvFields(text).findLast((each) => each.toLowerCase().startsWith('from='));
  const from = field?.slice('from='.length);
  if (from !== undefined && /\$./.test(from)) {
    throw new Problem('"from" of --mount has a variable', 'Give the image a name of its own: FROM $VARIABLE AS name');
  }
  return from === '' ? undefined : from;
}

function set(draft: Draft, key: string, value: string): void {
  switch (key) {
    case 'type':
      draft.type = oneOf(key, value, TYPES);
      break;
    case 'sharing':
      draft.sharing = oneOf(key, value, SHARING);
      break;
    case 'readonly':
    case 'ro':
      draft.readOnly = flag(key, value);
      break;
    case 'readwrite':
    case 'rw':
      draft.readOnly = !flag(key, value);
      break;
    case 'required':
      draft.required = flag(key, value);
      break;
    case 'size':
      draft.sizeBytes = size(value);
      break;
    case 'mode':
      draft.mode = number(key, value, 8);
      break;
    case 'uid':
    case 'gid':
      draft[key] = number(key, value, 10);
      break;
    case 'source':
    case 'src':
      draft.source = value;
      break;
    case 'target':
    case 'dst':
    case 'destination':
      draft.target = value;
      break;
    case 'from':
      if (value !== '') draft.from = value;
      break;
    default:
      draft[key as 'id' | 'env'] = value;
  }
}

/** Which options go together: instructions/commands_runmount.go of BuildKit. */
function check(draft: Draft): void {
  const { type = 'bind' } = draft;
  const only = (key: keyof Draft, types: readonly string[]): void => {
    if (draft[key] !== undefined && !types.includes(type)) {
      throw new Problem(`a mount of type ${type} has no option ${key === 'sizeBytes' ? 'size' : key}`);
    }
  };
  only('sharing', ['cache']);
  only('required', ['secret', 'ssh']);
  only('sizeBytes', ['tmpfs']);
  for (const key of ['mode', 'uid', 'gid'] as const) only(key, ['secret', 'ssh', 'cache']);
  if (type === 'secret') {
    only('from', []);
    if ((draft.source ?? draft.target ?? draft.id) === undefined) {
      throw new Problem('a mount of type secret has neither id nor target', 'Write --mount=type=secret,id=NAME');
    }
    if (draft.source !== undefined && draft.id !== undefined) throw new Problem('a secret has both source and id');
    return;
  }
  if (type !== 'ssh' && (draft.target ?? '') === '') {
    throw new Problem(`a mount of type ${type} has no target`, `Write --mount=type=${type},target=/PATH`);
  }
}

/** Fields between commas; one in double quotes may have commas itself (RFC 4180). */
function csvFields(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}

function oneOf<Value extends string>(key: string, value: string, values: readonly Value[]): Value {
  const found = values.find((each) => each === value.toLowerCase());
  if (found !== undefined) return found;
  const hint = didYouMean(value, values) ?? `It is ${values.join(', ')}`;
  throw new Problem(`the option ${key} of --mount is ${JSON.stringify(value)}`, hint);
}

/** Go's strconv.ParseBool. */
function flag(key: string, value: string): boolean {
  if (/^(1|t|true|T|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|false|F|FALSE|False)$/.test(value)) return false;
  throw new Problem(`the option ${key} of --mount is ${JSON.stringify(value)}`, 'It is true or false');
}

function number(key: string, value: string, base: 8 | 10): number {
  const result = (base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value) ? Number.parseInt(value, base) : Number.NaN;
  if (result < 2 ** 32) return result;
  throw new Problem(
    `the option ${key} of --mount is ${JSON.stringify(value)}`,
    `It is a number${base === 8 ? ' in octal' : ''}`,
  );
}

function size(value: string): number {
  const [, digits = '', unit = 'b'] = /^([0-9]+(?:\.[0-9]+)?) ?([bkmgtp])?(?:i?b)?$/i.exec(value) ?? [];
  const power = UNITS[unit.toLowerCase()];
  if (digits === '' || power === undefined) {
    throw new Problem(`the option size of --mount is ${JSON.stringify(value)}`, 'Write a size such as 64m');
  }
  return Math.trunc(Number(digits) * 1024 ** power);
}
