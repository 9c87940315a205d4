import type { ErrorObject } from 'ajv';
import schema from '../../schema/stack.schema.json' with { type: 'json' };
import type { Diagnostics } from './diagnose.ts';
import { validate } from './generated/stack-validator.js';
import { didYouMean } from './nearest.ts';
import { type Dict, dotted, isDict, locate, type Path, type SpecNode, type Value } from './node.ts';
import { quoted } from './printable.ts';

/** Checks the shape against schema/stack.schema.json; every deviation becomes one diagnostic at the exact token. */
export function validateShape(root: SpecNode, value: Value, diagnostics: Diagnostics): boolean {
  if (validate(value)) return true;
  for (const error of validate.errors ?? []) {
    const found = describe(error, value);
    if (found === undefined) continue;
    const origin = locate(root, found.path, { key: found.markKey });
    diagnostics.add({ code: found.code, message: found.message, hint: found.hint, origin });
  }
  return false;
}

interface Description {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly path: Path;
  readonly markKey: boolean;
}

function describe(error: ErrorObject, root: Value): Description | undefined {
  const path = pathOf(error.instancePath);
  const value = valueAt(root, path);
  const name = path.length === 0 ? 'the stack file' : dotted(path);
  switch (error.keyword) {
    case 'type':
      return { code: 'schema.type', message: typeMessage(name, error, value), path, markKey: value === null };
    case 'additionalProperties':
      return unknownKey(error, path);
    case 'required': {
      const message = `${name} lacks the key ${quoted(error.params['missingProperty'])}`;
      return { code: 'schema.missing', message, path, markKey: true };
    }
    case 'enum': {
      const allowed = (error.params['allowedValues'] as unknown[]).map(String);
      const hint = didYouMean(String(value), allowed);
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
      };
    case 'propertyNames':
      return undefined;
    default:
      return { code: 'schema.type', message: `${name} ${error.message ?? 'is not valid'}`, path, markKey: false };
  }
}

function valuePattern(name: string, error: ErrorObject, path: Path, value: Value | undefined): Description {
  const message = `${name} is ${quoted(value)}, which does not match ${String(error.params['pattern'])}`;
  return { code: 'schema.pattern', message, path, markKey: false };
}

function badName(error: ErrorObject, path: Path): Description {
  const name = error.propertyName ?? '';
  const message = `${quoted(name)} is not a valid name below ${dotted(path)}`;
  return { code: 'schema.pattern', message, hint: nameHint, path: [...path, name], markKey: true };
}

/** What a name of a service, network or volume may hold. */
export const nameHint = 'a name holds letters, digits, ".", "_" and "-", and begins with a letter, a digit or "_"';

function unknownKey(error: ErrorObject, path: Path): Description {
  const key = String(error.params['additionalProperty']);
  const where = path.length === 0 ? 'at the top of the file' : `in ${dotted(path)}`;
  return {
    code: 'schema.unknown-key',
    message: `unknown key ${quoted(key)} ${where}`,
    hint: didYouMean(key, knownKeys(path)),
    path: [...path, key],
    markKey: true,
  };
}

interface SchemaNode {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
}

/** The keys that the object at a place may have. */
function knownKeys(path: Path): string[] {
  let node: SchemaNode | undefined = schema as SchemaNode;
  for (const step of path) node = node === undefined ? undefined : schemaBelow(node, step);
  return Object.keys(node?.properties ?? {});
}

function schemaBelow(node: SchemaNode, step: string | number): SchemaNode | undefined {
  const { properties = {}, additionalProperties: rest, patternProperties = {} } = node;
  const other = typeof rest === 'object' ? rest : Object.values(patternProperties)[0];
  const own = Object.hasOwn(properties, step) ? properties[step] : other;
  return followed(typeof step === 'number' ? (node.items ?? own) : own);
}

function followed(node: SchemaNode | undefined): SchemaNode | undefined {
  const name = node?.$ref?.split('/').pop();
  return name === undefined ? node : followed((schema as SchemaNode).$defs?.[name]);
}

function pathOf(pointer: string): (string | number)[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^(0|[1-9]\d*)$/.test(step) ? Number(step) : step));
}

function valueAt(root: Value, path: Path): Value | undefined {
  let value: Value | undefined = root;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)];
    else value = isDict(value) ? (value as Dict)[String(step)] : undefined;
  }
  return value;
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
