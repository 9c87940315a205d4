/** Compiles schema/stack.schema.json to a plain module, so that no schema is compiled when tsstack starts. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}src/spec/generated`;
const schema = withoutWords(JSON.parse(readFileSync(`${root}schema/stack.schema.json`, 'utf8')));

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
const plain = `let schema;
export const stackSchema = () => (schema ??= JSON.parse(${JSON.stringify(JSON.stringify(schema))}));\n`;
const plainTypes = `import type { Schema } from '../schema.ts';
export declare function stackSchema(): Schema;
`;

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/stack-validator.js`, `${code}\n`);
writeFileSync(`${folder}/stack-validator.d.ts`, validator);
writeFileSync(`${folder}/stack-schema.js`, plain);
writeFileSync(`${folder}/stack-schema.d.ts`, plainTypes);

/** The schema without what only editors show: it would be read at every start. */
function withoutWords(schema: unknown): object {
  const words = new Set(['$id', 'title', 'description', 'examples', 'deprecated']);
  // The keys of these are names, whatever they say.
  const named = new Set(['properties', 'patternProperties', '$defs']);
  const strip = (node: unknown, names: boolean): unknown => {
    if (typeof node !== 'object' || node === null) return node;
    if (Array.isArray(node)) return node.map((each) => strip(each, false));
    const kept = Object.entries(node).filter(([key]) => names || !words.has(key));
    return Object.fromEntries(kept.map(([key, value]) => [key, strip(value, !names && named.has(key))]));
  };
  return strip(schema, false) as object;
}
