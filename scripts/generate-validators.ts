/**
 * Compiles schema/stack.schema.json to a plain module, so that no schema is compiled when tsstack starts, and writes it
 * down without its prose.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

type Schema = Readonly<Record<string, unknown>>;

/** What only people read. */
const prose = new Set(['$schema', 'title', 'description', 'examples', 'default']);
/** What src/spec/fits.ts knows. */
const known = new Set(
  `$ref $defs type enum pattern minimum maximum items uniqueItems properties patternProperties additionalProperties
  propertyNames required`.split(/\s+/),
);
/** Keywords whose members are named by the stack file, not by JSON Schema. */
const maps = new Set(['properties', 'patternProperties', '$defs']);

/** A schema without its prose. */
function bare(schema: Schema): Schema {
  const entries = Object.entries(schema).filter(([keyword]) => !prose.has(keyword));
  const strange = entries.find(([keyword]) => !known.has(keyword));
  if (strange !== undefined) throw new Error(`src/spec/fits.ts does not know the keyword "${strange[0]}"`);
  return Object.fromEntries(entries.map(([keyword, value]) => [keyword, bareValue(keyword, value)]));
}

function bareValue(keyword: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (!maps.has(keyword)) return bare(value as Schema);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, bare(each as Schema)]));
}

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}src/spec/generated`;
const schema = bare(JSON.parse(readFileSync(`${root}schema/stack.schema.json`, 'utf8')));

const ajv = new Ajv2020({
  allErrors: true,
  allowUnionTypes: true,
  inlineRefs: false,
  strict: true,
  strictTypes: false,
  validateFormats: false,
  code: { source: true, esm: true, lines: false },
});
const code = standalone.default(ajv, ajv.compile(schema));
if (/\brequire\(/.test(code))
  throw new Error('the generated validator needs a run-time part of ajv: avoid that keyword');

const validator = `import type { ErrorObject } from 'ajv';
export declare const validate: { (data: unknown): boolean; errors?: readonly ErrorObject[] | null };
`;
// As text, because JSON is read faster than the same as a program.
const plain = `export const stackSchema = () => JSON.parse(${JSON.stringify(JSON.stringify(schema))});\n`;
const plainTypes = `import type { Schema } from '../fits.ts';
export declare function stackSchema(): Schema;
`;

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/stack-validator.js`, `${code}\n`);
writeFileSync(`${folder}/stack-validator.d.ts`, validator);
writeFileSync(`${folder}/stack-schema.js`, plain);
writeFileSync(`${folder}/stack-schema.d.ts`, plainTypes);
