import { createRequire } from 'node:module';
import type { ErrorObject } from 'ajv';
import { didYouMean, nearest } from '../lib/nearest.ts';
import type { Problem, ProblemCode } from './diagnose.ts';
import { fits } from './fits.ts';
import { stackSchema } from './generated/stack-schema.js';
import { nameHint } from './name-hint.ts';
import { dotted, isDict, type Path, type Value, valueAt } from './node.ts';
import { quoted } from './printable.ts';
import type { Schema } from './schema.ts';

/** One deviation from schema/stack.schema.json. */
export interface Fault {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: Problem['hint'];
  /** What is marked: the value, or with `markKey` its key. */
  readonly path: Path;
  readonly markKey: boolean;
  /** What must be set aside for the rest to be sound; `path` if absent. */
  readonly aside?: Path;
  /** The key that an unknown key was probably meant for. */
  readonly meant?: string | undefined;
  /** The key that is missing at `path`. */
  readonly missing?: string;
}

/** Unknown keys of which it is looked for what they were meant for: a file with more has another fault. */
const MOST_GUESSES = 200;

/** Every deviation of a value from the schema, in no order. */
export function findFaults(value: Value): readonly Fault[] {
  if (fits(value, stackSchema())) return [];
  const { validate } = validator();
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  // Of a value of the wrong type nothing more is said.
  const mistyped = new Set(errors.flatMap((error) => (error.keyword === 'type' ? [error.instancePath] : [])));
  let guesses = 0;
  return errors
    .flatMap((error) =>
      error.keyword !== 'type' && mistyped.has(error.instancePath) ? [] : (describe(error, value) ?? []),
    )
    .map((fault) => {
      if (fault.code !== 'schema.unknown-key') return fault;
      guesses += 1;
      const key = String(fault.path.at(-1));
      return guesses > MOST_GUESSES ? fault : { ...fault, meant: nearest(key, knownKeys(fault.path.slice(0, -1))) };
    });
}

/** Beside the bundles in dist/ as it is here, so that it is only read for a file that does not fit. */
function validator(): typeof import('./generated/stack-validator.js') {
  return createRequire(import.meta.filename)('./generated/stack-validator.js');
}

function describe(error: ErrorObject, root: Value): Fault | undefined {
  const path = pathOf(error.instancePath);
  const value = valueAt(root, path);
  const name = path.length === 0 ? 'the stack file' : dotted(path);
  switch (error.keyword) {
    case 'type':
      return { code: 'schema.type', message: typeMessage(name, error, value), path, markKey: value === null };
    case 'additionalProperties':
      return unknownKey(error, path);
    case 'required': {
      const missing = String(error.params['missingProperty']);
      return {
        code: 'schema.missing',
        message: `${name} lacks the key ${quoted(missing)}`,
        path,
        markKey: true,
        missing,
      };
    }
    case 'enum': {
      const allowed = (error.params['allowedValues'] as unknown[]).map(String);
      const hint = typeof value === 'string' ? () => didYouMean(value, allowed) : undefined;
      const message = `${name} is ${quoted(value)}, but must be one of ${allowed.join(', ')}`;
      return { code: 'schema.enum', message, hint, path, markKey: false };
    }
    case 'pattern':
      return error.propertyName === undefined ? valuePattern(name, error, path, value) : badName(error, path);
    case 'minimum':
    case 'maximum':
      return {
        code: 'value.range',
        message: `${name} ${error.message ?? ''}, but is ${quoted(value)}`,
        path,
        markKey: false,
      };
    case 'uniqueItems':
      return {
        code: 'schema.duplicate',
        message: `${name} lists ${quoted(duplicateOf(value))} twice`,
        path,
        markKey: true,
        aside: [...path, Number(error.params['i'])],
      };
    case 'propertyNames':
      return undefined;
    default:
      return { code: 'schema.type', message: `${name} ${error.message ?? 'is not valid'}`, path, markKey: false };
  }
}

function valuePattern(name: string, error: ErrorObject, path: Path, value: Value | undefined): Fault {
  const message = `${name} is ${quoted(value)}, which does not match ${String(error.params['pattern'])}`;
  return { code: 'schema.pattern', message, path, markKey: false };
}

function badName(error: ErrorObject, path: Path): Fault {
  const name = error.propertyName ?? '';
  const message = `${quoted(name)} is not a valid name below ${dotted(path)}`;
  return { code: 'schema.pattern', message, hint: nameHint, path: [...path, name], markKey: true };
}

function unknownKey(error: ErrorObject, path: Path): Fault {
  const key = String(error.params['additionalProperty']);
  const where = path.length === 0 ? 'at the top of the file' : `in ${dotted(path)}`;
  return {
    code: 'schema.unknown-key',
    message: `unknown key ${quoted(key)} ${where}`,
    hint: () => didYouMean(key, knownKeys(path)),
    path: [...path, key],
    markKey: true,
  };
}

/** The keys that the object at a place may have. */
function knownKeys(path: Path): string[] {
  const root = stackSchema();
  let node: Schema | undefined = root;
  for (const step of path) node = node === undefined ? undefined : followed(schemaBelow(node, step), root);
  return Object.keys(node?.properties ?? {});
}

function schemaBelow(node: Schema, step: string | number): Schema | undefined {
  const { properties = {}, additionalProperties: rest, patternProperties = {} } = node;
  const other = typeof rest === 'object' ? rest : Object.values(patternProperties)[0];
  const own = Object.hasOwn(properties, step) ? properties[step] : other;
  return typeof step === 'number' ? (node.items ?? own) : own;
}

function followed(node: Schema | undefined, root: Schema): Schema | undefined {
  const name = node?.$ref?.split('/').pop();
  return name === undefined ? node : followed(root.$defs?.[name], root);
}

function pathOf(pointer: string): (string | number)[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^(0|[1-9]\d*)$/.test(step) ? Number(step) : step));
}

const typeWords: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'empty',
};

function typeMessage(name: string, error: ErrorObject, value: Value | undefined): string {
  const types = [error.params['type'] as string | string[]].flat();
  const wanted = types.map((type) => typeWords[type] ?? type).join(' or ');
  return `${name} must be ${wanted}, but is ${kindOf(value)}`;
}

function kindOf(value: Value | undefined): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (isDict(value)) return 'a mapping';
  const kind = typeof value === 'string' ? 'the string' : typeof value === 'number' ? 'the number' : 'the boolean';
  return typeof value === 'string' ? `${kind} ${quoted(value)}` : `${kind} ${String(value)}`;
}

function duplicateOf(value: Value | undefined): Value | undefined {
  return Array.isArray(value) ? value.find((item, index) => value.indexOf(item) !== index) : undefined;
}
