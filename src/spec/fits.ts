import type { Dict, Value } from './node.ts';

/** The keywords of JSON Schema that schema/stack.schema.json uses; a failing build says when it uses another. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly propertyNames?: Schema;
  readonly required?: readonly string[];
}

/**
 * Whether a value surely fits a schema. It stops at the first doubt and says false: then the validator that ajv has
 * generated decides and tells what is wrong. That one takes longer to load than a hundred services take to check.
 */
export function fits(value: Value, schema: Schema): boolean {
  return new Check(schema.$defs ?? {}).fits(value, schema);
}

class Check {
  readonly #defs: Readonly<Record<string, Schema>>;
  readonly #patterns = new Map<string, RegExp>();

  constructor(defs: Readonly<Record<string, Schema>>) {
    this.#defs = defs;
  }

  fits(value: Value, schema: Schema): boolean {
    const { $ref, type, enum: allowed } = schema;
    if ($ref !== undefined && !this.fits(value, this.#defs[$ref.slice('#/$defs/'.length)] ?? never)) return false;
    if (
      type !== undefined &&
      !(typeof type === 'string' ? isOf(value, type) : type.some((each) => isOf(value, each)))
    ) {
      return false;
    }
    if (allowed !== undefined && !allowed.includes(value)) return false;
    if (typeof value === 'string') return schema.pattern === undefined || this.#pattern(schema.pattern).test(value);
    if (typeof value === 'number')
      return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
    if (typeof value !== 'object' || value === null) return true;
    return Array.isArray(value) ? this.#listFits(value, schema) : this.#dictFits(value, schema);
  }

  #listFits(list: readonly Value[], { items, uniqueItems }: Schema): boolean {
    if (uniqueItems === true && list.length > 1 && !areDistinct(list)) return false;
    return items === undefined || list.every((item) => this.fits(item, items));
  }

  #dictFits(value: Dict, schema: Schema): boolean {
    const { properties, patternProperties, propertyNames, required } = schema;
    for (const key in value) {
      if (propertyNames !== undefined && !this.fits(key, propertyNames)) return false;
      const own = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (own !== undefined && !this.fits(value[key] as Value, own)) return false;
      if (patternProperties === undefined && own !== undefined) continue;
      if (!this.#othersFit(key, value[key] as Value, { schema, known: own !== undefined })) return false;
    }
    return required === undefined || required.every((key) => value[key] !== undefined);
  }

  #othersFit(key: string, value: Value, { schema, known }: { schema: Schema; known: boolean }): boolean {
    let matched = known;
    for (const [pattern, below] of Object.entries(schema.patternProperties ?? {})) {
      if (!this.#pattern(pattern).test(key)) continue;
      matched = true;
      if (!this.fits(value, below)) return false;
    }
    const { additionalProperties: rest } = schema;
    if (matched || rest === undefined || rest === true) return true;
    return rest !== false && this.fits(value, rest);
  }

  #pattern(source: string): RegExp {
    const known = this.#patterns.get(source);
    if (known !== undefined) return known;
    const pattern = new RegExp(source, 'u');
    this.#patterns.set(source, pattern);
    return pattern;
  }
}

const never: Schema = { enum: [] };

function isOf(value: Value, type: string): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type;
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'number':
      return Number.isFinite(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return false;
  }
}

/** Whether no two are the same; of lists and mappings that is not said. */
function areDistinct(list: readonly Value[]): boolean {
  return new Set(list).size === list.length && list.every((item) => typeof item !== 'object' || item === null);
}
