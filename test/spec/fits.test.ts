import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Diagnostics } from '../../src/spec/diagnose.ts';
import { fits, type Schema } from '../../src/spec/fits.ts';
import { stackSchema } from '../../src/spec/generated/stack-schema.js';
import { validate } from '../../src/spec/generated/stack-validator.js';
import { toValue, type Value } from '../../src/spec/node.ts';
import { parseYaml } from '../../src/spec/parse.ts';
import { findFaults } from '../../src/spec/validate.ts';
import { mutateText, Random } from './mutate.ts';
import { missingShared, sharedPath } from './shared.ts';

test('every keyword of the schema can refuse a value', () => {
  const cases: readonly (readonly [Schema, Value, Value])[] = [
    [{ type: 'string' }, 'a', 1],
    [{ type: ['integer', 'null'] }, null, 1.5],
    [{ type: 'number' }, 1.5, Number.NaN],
    [{ type: 'object' }, {}, []],
    [{ enum: ['a', 1] }, 1, 'b'],
    [{ pattern: '^a$' }, 'a', 'b'],
    [{ minimum: 1, maximum: 2 }, 2, 3],
    [{ items: { type: 'string' } }, ['a'], ['a', 1]],
    [{ uniqueItems: true }, ['1', 1], ['a', 'a']],
    [{ properties: { a: { type: 'string' } } }, { a: 'b', c: 1 }, { a: 1 }],
    [{ properties: { a: {} }, additionalProperties: false }, { a: 1 }, { b: 1 }],
    [{ additionalProperties: { type: 'string' } }, { a: 'b' }, { a: 1 }],
    [{ patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false }, { 'x-a': 'b' }, { 'x-a': 1 }],
    [{ patternProperties: { '^x-': {} }, additionalProperties: false }, { 'x-a': 1 }, { y: 1 }],
    [{ propertyNames: { pattern: '^a' } }, { ab: 1 }, { ba: 1 }],
    [{ required: ['a'] }, { a: null }, {}],
    [{ $ref: '#/$defs/a', $defs: { a: { type: 'string' } } }, 'a', 1],
  ];
  for (const [schema, good, bad] of cases) {
    assert.equal(fits(good, schema), true, JSON.stringify(schema));
    assert.equal(fits(bad, schema), false, JSON.stringify(schema));
  }
  assert.equal(fits(1, { $ref: '#/$defs/missing' }), false);
});

test('what fits has no fault, and what the generated validator refuses has one, whatever a service holds', () => {
  const schema = stackSchema();
  const keys = fc.constantFrom(...Object.keys(schema.$defs?.['service']?.properties ?? {}), 'x-a', 'unknown');
  const words = fc.constantFrom('a', '1', 'name', 'path', 'soft', 'hard', 'type', 'target', 'service', 'condition');
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, 1, 1.5, -1, 'a', 'bind', 'service_started', ''),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(words, tie('any'), { maxKeys: 3 }),
    ),
  })).any as fc.Arbitrary<Value>;
  fc.assert(
    fc.property(keys, value, (key, each) => {
      const stack = { services: { a: { [key]: each } } };
      const faults = findFaults(stack);
      assert.equal(faults.length === 0, validate(stack), JSON.stringify(stack));
      if (fits(stack, schema)) assert.deepEqual(faults, [], JSON.stringify(stack));
    }),
    { numRuns: 2_000 },
  );
});

test('the validator is asked for no stack that is valid', { skip: missingShared }, () => {
  const random = new Random(3);
  const schema = stackSchema();
  let valid = 0;
  for (const file of globSync('compose/stacks/*/proj/*.{yaml,yml}', { cwd: sharedPath() })) {
    const original = readFileSync(sharedPath(file), 'utf8');
    for (const text of [original, mutateText(original, random), mutateText(original, random)]) {
      const tree = parseYaml({ path: file, text, index: 0 }, new Diagnostics());
      if (tree === undefined || tree === 'broken') continue;
      const value = toValue(tree);
      assert.equal(fits(value, schema), validate(value), text);
      if (validate(value)) valid++;
    }
  }
  assert.ok(valid > 100);
});
