import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { parse } from 'yaml';
import { yamlText } from '../../src/cli/config/yaml-text.ts';

/** Strings that some reader or version of YAML takes for something else when they stand bare. */
const TRAPS = [
  ...['', ' ', '~', 'null', 'Null', 'yes', 'No', 'on', 'OFF', 'y', 'n', 'true', 'TRUE', '<<', '=', '---', '...'],
  ...[
    '1',
    '-1',
    '0x1f',
    '0o17',
    '017',
    '1e3',
    '1_000',
    '.5',
    '.inf',
    '-.INF',
    '.nan',
    '60:30',
    '2026-01-02',
    '8080:80',
  ],
  ...[
    'a: b',
    'a:',
    'a #b',
    'a ',
    ' a',
    'a:b',
    '#a',
    '- a',
    '-',
    '?',
    '? a',
    '*a',
    '&a',
    '!a',
    '!!str a',
    '%a',
    '@a',
    '`a',
  ],
  ...[
    '[a',
    '{a',
    ']',
    '}',
    ',',
    '|',
    '>',
    "'a",
    '"a',
    'a"b',
    '\t',
    'a\tb',
    'a\\b',
    '\0',
    '\u0085',
    '\u2028',
    '\ufeffa',
    'é',
  ],
  ...['-c', '--', '--a', '-.inf', '-a: b', './a', '../a', '.a', '--- a'],
  ...['a\nb', 'a\n', 'a\n\n', '\na', ' a\nb', 'a \nb', 'a\n b', 'a\r\nb', 'a\n\n\nb', '# a\nb', '\n', 'a\n\tb', 'a\n '],
  ...['x'.repeat(2000), `${'x'.repeat(1200)}: y`, '$HOME', '${A:-b}', '__proto__', 'constructor'],
];

const word = fc.oneof(
  fc.constantFrom(...TRAPS),
  fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()),
  fc
    .array(fc.constantFrom(' ', '\n', '\t', ':', '#', '-', 'a', '"', "'", '\\', '1'), { maxLength: 8 })
    .map((all) => all.join('')),
);
const key = word.filter((text) => text !== '__proto__');
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    word,
    fc.integer(),
    fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

describe('yamlText', () => {
  it('is read as the same value by both readers', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const text = yamlText(value);
        assert.deepEqual(load(text), value, text);
        assert.deepEqual(parse(text, { maxAliasCount: 0 }), value, text);
        assert.deepEqual(parse(text, { version: '1.1' }), value, text);
      }),
      { numRuns: 2000 },
    );
  });

  for (const trap of TRAPS) {
    it(`keeps ${JSON.stringify(trap).slice(0, 40)} a string, as a value, an item and a key`, () => {
      const value = { value: trap, list: [trap, [trap]], ...(trap !== '__proto__' && { [trap]: trap }) };
      const text = yamlText(value);
      assert.deepEqual(load(text), value, text);
      assert.deepEqual(parse(text), value, text);
      assert.deepEqual(parse(text, { version: '1.1' }), value, text);
    });
  }

  it('is what people write', () => {
    const value = {
      services: { web: { command: ['sh', '-c', 'a\nb\n'], ports: ['8080:80'], empty: {}, none: null, list: [] } },
      lists: [[1, 2], { a: 1, b: [true] }],
    };
    assert.equal(
      yamlText(value),
      `services:
  web:
    command:
      - sh
      - -c
      - |
        a
        b
    ports:
      - "8080:80"
    empty: {}
    none: null
    list: []
lists:
  - - 1
    - 2
  - a: 1
    b:
      - true
`,
    );
  });

  it('changes values and leaves keys', () => {
    const doubled = yamlText({ $A: ['$A', 'a\n$B'] }, (text) => text.replaceAll('$', '$$$$'));
    assert.deepEqual(load(doubled), { $A: ['$$A', 'a\n$$B'] });
  });
});
