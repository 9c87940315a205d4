import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { fits } from '../../src/spec/fits.ts';
import { stackSchema } from '../../src/spec/generated/stack-schema.js';
import type { Value } from '../../src/spec/node.ts';
import { stackFiles } from './schema-instances.ts';
import type { JsonSchema } from './schema-paths.ts';

const schema = JSON.parse(readFileSync(`${import.meta.dirname}/../../schema/stack.schema.json`, 'utf8')) as JsonSchema;
const validate = new Ajv2020({ allowUnionTypes: true, strictTypes: false, validateFormats: false }).compile(schema);
const own = stackSchema();

test('what fits is what the validator lets pass: generated stack files, whole and with one value put in', () => {
  const junk = fc.constantFrom<Value>(
    null,
    true,
    0,
    -1,
    1.5,
    1e9,
    '',
    'a',
    'a b',
    [],
    ['a', 'a'],
    [{}],
    {},
    { 'x-a': 1 },
    { a: 1 },
  );
  let refused = 0;
  fc.assert(
    fc.property(stackFiles(schema), fc.nat(), junk, (file, index, value) => {
      const whole = JSON.parse(JSON.stringify(file)) as Value;
      assert.equal(fits(whole, own), validate(whole), JSON.stringify(whole));
      const spoiled = spoil(whole, index, value);
      const good = validate(spoiled);
      assert.equal(fits(spoiled, own), good, JSON.stringify(spoiled));
      if (!good) refused += 1;
    }),
    { numRuns: 3000 },
  );
  assert.ok(refused > 500, `${refused} refused`);
});

/** A copy in which the value somewhere, found by counting, is another one. */
function spoil(value: Value, index: number, junk: Value): Value {
  const copy = structuredClone(value);
  const places: [Record<string | number, Value>, string | number][] = [];
  const walk = (node: Value) => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, Value>, key]);
      walk((node as Record<string, Value>)[key] as Value);
    }
  };
  walk(copy);
  const [node, key] = places[index % Math.max(1, places.length)] ?? [];
  if (node !== undefined && key !== undefined) node[key] = junk;
  return copy;
}

test('no keyword of the schema is one that it does not look at', () => {
  const known = new Set([
    ...['$ref', '$defs', '$schema', 'type', 'enum', 'pattern', 'minimum', 'maximum', 'items', 'uniqueItems'],
    ...['properties', 'patternProperties', 'additionalProperties', 'propertyNames', 'required'],
  ]);
  const named = new Set(['properties', 'patternProperties', '$defs']);
  const walk = (node: unknown, names: boolean): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, inner] of Object.entries(node)) {
      if (!names && !Array.isArray(node)) assert.ok(known.has(key), key);
      walk(inner, !names && !Array.isArray(node) && named.has(key));
    }
  };
  walk(own, false);
});
