import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidStackError, TsstackError } from '../../src/model/error.ts';
import { stackSchema } from '../../src/spec/generated/stack-schema.js';
import { substitute, TemplateError } from '../../src/spec/template.ts';
import { loadText, problemsOf } from './load-text.ts';

test('nesting of any kind is refused before the parser overflows its stack', () => {
  const texts = [`x-a: ${'['.repeat(100_000)}`, '- '.repeat(100_000), '{a: '.repeat(50_000), '? '.repeat(50_000)];
  for (const text of texts) assert.equal(problemsOf(text)[0]?.code, 'yaml.depth-limit');
  const lines = Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}k:`).join('\n');
  assert.equal(problemsOf(lines)[0]?.code, 'yaml.depth-limit');
});

test('brackets inside text do not count as nesting', () => {
  const script = `services:\n  a:\n    command: |\n${`      ${'['.repeat(50)}\n`.repeat(20)}`;
  assert.throws(() => loadText(`${script}      "`), InvalidStackError);
  assert.ok(loadText(`x-note: "${'['.repeat(500)}"\nservices: {a: {image: i}}`));
});

test('a range of all ports loads', () => {
  const { stack } = loadText('services: {a: {image: i, ports: ["1-65535:1-65535"]}}');
  assert.equal(stack.services['a']?.ports.length, 65_535);
});

test('any text either loads or gives diagnostics, never another error', () => {
  const words = [
    'services',
    'a',
    ': ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '&x ',
    '*x',
    '<<',
    '"',
    "'",
    '${',
    '}',
    '!reset ',
    '|',
    '#',
    ',',
  ];
  const keys = [
    'image',
    'ports',
    'volumes',
    'environment',
    'networks',
    'deploy',
    'build',
    'extends',
    '80:80',
    'null',
    '1',
    '__proto__',
  ];
  const text = fc.array(fc.oneof(fc.constantFrom(...words, ...keys), fc.string({ maxLength: 3 })), { maxLength: 40 });
  fc.assert(
    fc.property(text, (parts) => {
      try {
        loadText(parts.join(''));
      } catch (error) {
        assert.ok(error instanceof TsstackError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('any value of any key of a service or resource either loads or gives diagnostics', () => {
  const { $defs = {} } = stackSchema();
  const places = ['service', 'network', 'volume', 'secret', 'config', 'model'].flatMap((kind) =>
    Object.keys($defs[kind]?.properties ?? {}).map((key) => [kind, key] as const),
  );
  assert.ok(places.length > 100, 'the schema names them');
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }), ([kind, key], value) => {
      try {
        loadText(JSON.stringify({ services: { a: {} }, [`${kind}s`]: { a: { [key]: value } } }));
      } catch (error) {
        assert.ok(error instanceof InvalidStackError, String(error instanceof Error ? error.stack : error));
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a text without a dollar is never changed by interpolation, and $$ always gives one', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const escaped = text.replaceAll('$', '$$$$');
      try {
        assert.equal(substitute(escaped, () => 'never').text, text);
      } catch (error) {
        assert.ok(!(error instanceof TemplateError), 'an escaped text is a valid template');
        throw error;
      }
    }),
  );
});

test('variables nested deeper than any file has them are refused before the stack overflows', () => {
  const nested = (levels: number) => `services: {a: {image: "${'${A:-'.repeat(levels)}x${'}'.repeat(levels)}"}}`;
  assert.equal(loadText(nested(100)).stack.services['a']?.source.type, 'reference');
  assert.equal(problemsOf(nested(5_000))[0]?.code, 'interp.syntax');
});

test('ranges of ports that come to millions are refused before they are expanded', () => {
  const services = Array.from({ length: 2_000 }, (_, index) => `s${index}: {image: x, ports: ["1-65535:1-65535"]}`);
  const codes = new Set(problemsOf(`services: {${services.join(', ')}}`).map(({ code }) => code));
  assert.ok(codes.has('limit'), [...codes].join(', '));
  assert.ok(loadText('services: {a: {image: x, ports: ["1-65535:1-65535", "1-65535:1-65535/udp"]}}'));
});

test('thousands of mistakes of a kind are counted, and no more work is done on those that are not shown', () => {
  const many = (entry: (index: number) => string) =>
    Array.from({ length: 9_000 }, (_, index) => entry(index)).join('\n');
  const texts = {
    'ref.missing': `services:\n${many((index) => `  s${index}: {image: x, depends_on: [nobody${index}]}`)}`,
    'schema.unknown-key': `services:\n  a:\n    image: x\n${many((index) => `    key${index}: 1`)}`,
    'schema.type': `services:\n${many((index) => `  s${index}: {image: [x]}`)}`,
  };
  for (const [code, text] of Object.entries(texts)) {
    const problems = problemsOf(text);
    assert.equal(problems[0]?.code, code);
    assert.equal(problems.length, 51);
    assert.equal(problems.at(-1)?.message, '8950 more errors are not shown');
  }
  const unset = loadText(
    `services:\n  a:\n    image: x\n    labels:\n${many((index) => `      l${index}: $V${index}`)}`,
  );
  assert.equal(unset.diagnostics.at(-1)?.message, '8950 more warnings are not shown');
});

test('a file that is named again and again is not read again and again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  try {
    writeFileSync(join(folder, 'big.env'), 'A=1\n'.repeat(500_000));
    writeFileSync(join(folder, 'big.yaml'), `services: {b: {image: x}}\n${'# comment\n'.repeat(300_000)}`);
    // The same names twice would be made one.
    const named = (name: string) =>
      Array.from({ length: 200 }, (_, index) => `${folder}/${'./'.repeat(index)}${name}`).join(', ');
    const texts = [
      `services: {a: {image: x, env_file: [${named('big.env')}]}}`,
      `services: {a: {image: x}}\ninclude: [${named('big.yaml')}]`,
    ];
    const codes = texts.map((text) => problemsOf(text).map(({ code }) => code)[0]);
    assert.deepEqual(codes, ['limit', 'limit']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
