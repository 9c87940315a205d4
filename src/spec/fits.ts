import { isDict, type Value } from './node.ts';
import type { Schema } from './schema.ts';

/**
 * Whether a value fits a schema, and nothing more. Nearly every file does, and the validator that can say why one does
 * not takes longer to load than this takes. False where it is not sure: then that one decides.
 */
export function fits(value: Value, root: Schema): boolean {
  return new Fit(root).is(value, root);
}

/** A schema as it is looked at: its reference followed, its patterns compiled. */
interface Shape {
  readonly schema: Schema;
  readonly types: readonly string[] | undefined;
  readonly pattern: RegExp | undefined;
  readonly patterns: readonly (readonly [RegExp, Schema])[];
}

class Fit {
  readonly #root: Schema;
  readonly #shapes = new Map<Schema, Shape>();

  constructor(root: Schema) {
    this.#root = root;
  }

  is(value: Value, of: Schema): boolean {
    const { schema, types, pattern, patterns } = this.#shapes.get(of) ?? this.#shape(of);
    if (types?.some((type) => isOfType(value, type)) === false) return false;
    if (schema.enum?.includes(value) === false) return false;
    if (typeof value === 'string') return pattern?.test(value) !== false;
    if (typeof value === 'number') return value >= (schema.minimum ?? value) && value <= (schema.maximum ?? value);
    if (Array.isArray(value)) return this.#areItems(value, schema);
    return !isDict(value) || this.#areMembers(value, schema, patterns);
  }

  #areItems(value: readonly Value[], { items, uniqueItems = false }: Schema): boolean {
    if (items !== undefined && !value.every((item) => this.is(item, items))) return false;
    return !uniqueItems || (new Set(value).size === value.length && !value.some((item) => typeof item === 'object'));
  }

  #areMembers(value: Readonly<Record<string, Value>>, schema: Schema, patterns: Shape['patterns']): boolean {
    const { properties, propertyNames, additionalProperties = true, required } = schema;
    if (required?.every((key) => Object.hasOwn(value, key)) === false) return false;
    for (const key of Object.keys(value)) {
      const member = value[key] as Value;
      if (propertyNames !== undefined && !this.is(key, propertyNames)) return false;
      const own = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (own !== undefined && !this.is(member, own)) return false;
      const matching = patterns.filter(([pattern]) => pattern.test(key));
      if (!matching.every(([, each]) => this.is(member, each))) return false;
      if (own !== undefined || matching.length > 0 || additionalProperties === true) continue;
      if (additionalProperties === false || !this.is(member, additionalProperties)) return false;
    }
    return true;
  }

  #shape(of: Schema): Shape {
    const schema = of.$ref === undefined ? of : (this.#root.$defs?.[of.$ref.slice('#/$defs/'.length)] ?? of);
    const { type, pattern, patternProperties = {} } = schema;
    const shape = {
      schema,
      types: type === undefined ? undefined : [type].flat(),
      pattern: pattern === undefined ? undefined : new RegExp(pattern, 'u'),
      patterns: Object.entries(patternProperties).map(([name, each]) => [new RegExp(name, 'u'), each] as const),
    };
    this.#shapes.set(of, shape);
    return shape;
  }
}

function isOfType(value: Value, type: string): boolean {
  switch (type) {
    case 'object':
      return isDict(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    default:
      // The other types have the names that JavaScript gives them.
      return typeof value === type;
  }
}
