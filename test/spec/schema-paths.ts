/** What of a JSON Schema these tests follow. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly uniqueItems?: boolean;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

/** The schema that a reference leads to; itself without one. */
export function followed(schema: JsonSchema, root: JsonSchema): JsonSchema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.replace('#/$defs/', '');
  const next = root.$defs?.[name];
  if (next === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return followed(next, root);
}

/** Every attribute that a schema has, as `services.*.ports.*.target`: `*` is any name and any item of a list. */
export function attributesOf(root: JsonSchema): ReadonlyMap<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  const visit = (schema: JsonSchema, path: string): void => {
    const node = followed(schema, root);
    for (const branch of [...(node.oneOf ?? []), ...(node.anyOf ?? [])]) visit(branch, path);
    for (const [key, property] of Object.entries(node.properties ?? {})) {
      const name = path === '' ? key : `${path}.${key}`;
      found.set(name, property);
      visit(property, name);
    }
    for (const [pattern, other] of Object.entries(node.patternProperties ?? {})) {
      if (pattern !== '^x-') visit(other, `${path}.*`);
    }
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.*`);
    if (node.items !== undefined) visit(node.items, `${path}.*`);
  };
  visit(root, '');
  return found;
}

/** Adds the attributes that a value which fits the schema has, written as `attributesOf()` writes them. */
export function attributesIn(value: unknown, root: JsonSchema, into: Set<string>): void {
  const visit = (schema: JsonSchema, part: unknown, path: string): void => {
    if (typeof part !== 'object' || part === null) return;
    const node = followed(schema, root);
    for (const branch of [...(node.oneOf ?? []), ...(node.anyOf ?? [])]) visit(branch, part, path);
    if (Array.isArray(part)) {
      for (const item of node.items === undefined ? [] : part) visit(node.items ?? {}, item, `${path}.*`);
      return;
    }
    for (const [key, child] of Object.entries(part)) {
      const property = node.properties?.[key];
      const name = property === undefined ? `${path}.*` : path === '' ? key : `${path}.${key}`;
      if (property !== undefined) into.add(name);
      const pattern = Object.entries(node.patternProperties ?? {}).find(([each]) => new RegExp(each).test(key));
      const rest = typeof node.additionalProperties === 'object' ? node.additionalProperties : {};
      visit(property ?? pattern?.[1] ?? rest, child, name);
    }
  };
  visit(root, value, '');
}
