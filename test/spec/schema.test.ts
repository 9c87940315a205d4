import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { stackSchema } from '../../src/spec/generated/stack-schema.js';
import { attributesOf, type JsonSchema } from './schema-paths.ts';
import { missingShared, sharedPath } from './shared.ts';

const root = resolve(import.meta.dirname, '../..');
const text = readFileSync(`${root}/schema/stack.schema.json`, 'utf8');
const schema: JsonSchema & Readonly<Record<string, unknown>> = JSON.parse(text);

test('the schema is one document that says what it is', () => {
  assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
  for (const key of ['$id', 'title', 'description']) assert.equal(typeof schema[key], 'string', key);
  const references = [...text.matchAll(/"\$ref": "([^"]*)"/g)].map(([, reference]) => reference ?? '');
  assert.deepEqual(
    references.filter((reference) => schema.$defs?.[reference.replace('#/$defs/', '')] === undefined),
    [],
  );
});

test('the schema has every attribute of the Compose specification', { skip: missingShared }, () => {
  const theirs = JSON.parse(readFileSync(sharedPath('compose/compose-spec.json'), 'utf8'));
  const ours = attributesOf(schema);
  const wanted = [...attributesOf(theirs).keys()];
  assert.ok(wanted.length > 300, `${wanted.length} attributes`);
  assert.deepEqual(
    wanted.filter((path) => !ours.has(path)),
    [],
  );
});

test('every attribute and every definition has a description, one or two sentences long', () => {
  const bad = (node: JsonSchema) => !/^[^\s].{8,330}[^\s]$/s.test(node.description ?? '');
  const attributes = [...attributesOf(schema)].filter(([, node]) => bad(node)).map(([path]) => path);
  const definitions = Object.entries(schema.$defs ?? {}).flatMap(([name, node]) => (bad(node) ? [name] : []));
  assert.deepEqual([attributes, definitions], [[], []]);
});

test('every example fits the attribute that it stands at', () => {
  const ajv = new Ajv2020({ strict: false, inlineRefs: false });
  ajv.addSchema(schema, 'stack');
  let count = 0;
  for (const [path, { description: _, examples = [], ...node }] of attributesOf(schema)) {
    if (examples.length === 0) continue;
    const fits = ajv.compile(JSON.parse(JSON.stringify(node).replaceAll('"#/$defs/', '"stack#/$defs/')));
    for (const example of examples) {
      count += 1;
      assert.ok(fits(example), `${path}: ${JSON.stringify(example)} ${ajv.errorsText(fits.errors)}`);
    }
  }
  assert.ok(count > 250, `${count} examples`);
});

test('what only editors show is left out of what is read at every start', () => {
  const words = /"(description|examples|title|deprecated|\$id)":/;
  assert.match(text, words);
  assert.doesNotMatch(JSON.stringify(stackSchema()), words);
  const validator = readFileSync(`${root}/src/spec/generated/stack-validator.js`, 'utf8');
  assert.doesNotMatch(validator, words);
  // Names of attributes are no words of the schema's own.
  assert.deepEqual([...attributesOf(stackSchema() as JsonSchema).keys()], [...attributesOf(schema).keys()]);
});
