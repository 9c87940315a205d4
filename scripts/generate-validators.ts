/** Compiles schema/stack.schema.json to a plain module, so that no schema is compiled when tsstack starts. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

type Schema = Readonly<Record<string, unknown>>;

/** What only people read. */
const prose = new Set(['$schema', 'title', 'description', 'examples', 'default']);
/** Keywords whose members are named by the stack file, not by JSON Schema. */
const maps = new Set(['properties', 'patternProperties', '$defs']);

/** A schema without its prose. */
function bare(schema: Schema): Schema {
  const entries = Object.entries(schema).filter(([keyword]) => !prose.has(keyword));
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
const [exported, name] = /export const validate = (\w+);export default \1;/.exec(code) ?? [];
if (exported === undefined || name === undefined) throw new Error('ajv names what it exports in another way');

// All of it stands in functions: a file without errors has neither compiled.
const source = `const make = () => {${code.replace(exported, '')}
return ${name};
};
let validator;
export function validate(data) {
  validator ??= make();
  return validator(data) ? [] : validator.errors;
}
export function stackSchema() {
  return JSON.parse(${JSON.stringify(JSON.stringify(schema))});
}
`;

const declaration = `import type { ErrorObject } from 'ajv';
export declare function validate(data: unknown): readonly ErrorObject[];
export declare function stackSchema(): unknown;
`;

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/stack-validator.js`, source);
writeFileSync(`${folder}/stack-validator.d.ts`, declaration);
