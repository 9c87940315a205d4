import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandWord } from '../../src/build/dockerfile/words.ts';

const OPTIONS = { escapeCharacter: '\\' };

function lookupIn(values: Readonly<Record<string, string>>) {
  return (name: string): string | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);
}

function expand(word: string, values: Readonly<Record<string, string>>): string {
  try {
    return expandWord(word, lookupIn(values), OPTIONS).text;
  } catch {
    return 'error';
  }
}

test('expandWord() gives what BuildKit gives, for each word of its own table', () => {
  const values = { PWD: '/home', SHELL: 'bash', KOREAN: '한국어', NULL: '' };
  const lines = readFileSync(`${import.meta.dirname}/words.txt`, 'utf8').split('\n');
  const cases = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('|'));
  assert.ok(cases.length > 200);
  for (const [word = '', result = ''] of cases) assert.equal(expand(word.trim(), values), result.trim(), word);
});

const WORDS: readonly [text: string, values: Readonly<Record<string, string>>, words: readonly string[]][] = [
  ['hello', {}, ['hello']],
  ['hello${hi}bye', { hi: 'hi' }, ['hellohibye']],
  ['hello${space}bye', { space: 'abc  def' }, ['helloabc', 'defbye']],
  ['hello"${space}"bye', { space: 'abc  def' }, ['helloabc  defbye']],
  ['hello "${space}"bye', { space: 'abc  def' }, ['hello', 'abc  defbye']],
  ['hello${leading}def', { leading: '  ab c' }, ['hello', 'ab', 'cdef']],
  ['hello"${leading}" def', { leading: '  ab c' }, ['hello  ab c', 'def']],
  ['hello${trailing}d', { trailing: 'ab c   ' }, ['helloab', 'c', 'd']],
  ['hello" there  "', {}, ['hello there  ']],
  ['hello there     ', {}, ['hello', 'there']],
  ['hello\\ there', {}, ['hello there']],
  ['hello\\" there', {}, ['hello"', 'there']],
  ['hello"\\there"', {}, ['hello\\there']],
  ["hello'\\\\there'", {}, ['hello\\\\there']],
  ["hello'$there'", {}, ['hello$there']],
  ['cat << EOF > file', {}, ['cat', '<< EOF', '>', 'file']],
];

test('expandWord() splits words at blanks that are not quoted, after expansion', () => {
  for (const [text, values, words] of WORDS) {
    assert.deepEqual(expandWord(text, lookupIn(values), OPTIONS).words, words, text);
  }
});

const PATTERNS: readonly [text: string, values: Readonly<Record<string, string>>, result: string][] = [
  ['${FOO#()[]{\\}^$.\\*\\?|\\\\}', { FOO: '()[]{}^$.*?|\\x' }, 'x'],
  ['${FOO%%\\**}', { FOO: 'xx**' }, 'xx'],
  ['${FOO#*x*y}', { FOO: 'xxyy' }, 'y'],
  ['${FOO#*}', { FOO: 'xxyy' }, 'xxyy'],
  ['${FOO#$BAR}', { FOO: 'xxyy', BAR: 'x' }, 'xyy'],
  ['${FOO#$BAR}', { FOO: 'xxyy', BAR: '' }, 'xxyy'],
  ['${FOO#}', { FOO: 'xxyy' }, 'xxyy'],
  ['${FOO##*x}', { FOO: 'xxyy' }, 'yy'],
  ['${FOO##}', { FOO: 'xxyy' }, 'xxyy'],
  ['${FOO#?\\?}', { FOO: '???y' }, '?y'],
  ['${ABC:-.}${FOO%x}${ABC:-.}', { FOO: 'xxyy' }, '.xxyy.'],
  ['${FOO%%\\**\\*}', { FOO: 'a***yy*' }, 'a'],
  ['${FOO%y*}', { FOO: 'xxyy' }, 'xxy'],
  ['${FOO%%y*}', { FOO: 'xxyy' }, 'xx'],
  ['${FOO%}', { FOO: 'xxyy' }, 'xxyy'],
  ['${FOO%%$BAR}', { FOO: 'xxyy', BAR: '' }, 'xxyy'],
  ['${FOO:#}', {}, 'error'],
  ['${FOO:%%}', {}, 'error'],
  ['${FOO/$A/.} - ${FOO//$A/.}', { FOO: '/foo*/*/*.txt', A: '\\*/' }, '/foo.*/*.txt - /foo..*.txt'],
  ['${FOO/$A/} - ${FOO//$A/}', { FOO: '/tmp/tmp/bar.txt', A: '/tmp' }, '/tmp/bar.txt - /bar.txt'],
  ['${FOO/$A/$B} - ${FOO//$A/$B}', { FOO: '/a/foo/b/c.txt', A: '/?/', B: '/' }, '/foo/b/c.txt - /foo/c.txt'],
  ['${FOO/$A/$B}', { FOO: 'http://google.de', A: 'http://', B: 'https://' }, 'https://google.de'],
  ['${FOO//\\//\\/}', { FOO: '/tmp/foo.txt' }, '\\/tmp\\/foo.txt'],
  ['${FOO/$BAR/ww}', { FOO: 'xxyy', BAR: '' }, 'wwxxyy'],
  ['${FOO//*/z}', { FOO: 'xxyy' }, 'z'],
  ['${FOO//ww}', { FOO: 'xxyy' }, 'error'],
  ['${FOO///}', { FOO: 'xxyy' }, 'xxyy'],
  ['${FOO#*b}', { FOO: 'a\nbc' }, 'a\nbc'],
  ['${FOO#\\a}', { FOO: 'xxyy' }, 'error'],
  ['v${V}.${OS}-${ARCH}${VAR:+-${VAR}}', { V: '1', OS: 'linux', ARCH: 'arm', VAR: 'v7' }, 'v1.linux-arm-v7'],
  ['v${V}.${OS}-${ARCH}${VAR:+-${VAR}}', { V: '1', OS: 'linux', ARCH: 'arm64', VAR: '' }, 'v1.linux-arm64'],
];

test('expandWord() takes away and replaces what a pattern matches, as BuildKit does', () => {
  for (const [text, values, result] of PATTERNS) assert.equal(expand(text, values), result, text);
});

test('expandWord() tells which variables were read and which are missing', () => {
  const { read, missing } = expandWord('${A-a} ${B:-$C} ${D+d}', lookupIn({ A: 'x', B: '' }), OPTIONS);
  assert.deepEqual([...read].sort(), ['A', 'B']);
  assert.deepEqual([...missing].sort(), ['C', 'D']);
});

test('expandWord() says which variable must be given, and why', () => {
  const values = lookupIn({ EMPTY: '', WHO: 'me' });
  assert.throws(() => expandWord('${X:?tell $WHO}', values, OPTIONS), /X: tell me/);
  assert.throws(() => expandWord('${EMPTY:?}', values, OPTIONS), /EMPTY: must not be empty/);
  assert.throws(() => expandWord('${X?}', values, OPTIONS), /X: must not be unset/);
});

test('expandWord() takes the other escape character', () => {
  const options = { escapeCharacter: '`' };
  assert.equal(expandWord('c:\\dir\\`$X', () => 'x', options).text, 'c:\\dir\\$X');
});

test('a pattern made to take for ever is refused, and nesting has an end', () => {
  const long = 'a'.repeat(20_000);
  assert.throws(() => expandWord(`\${X//${'*a'.repeat(50)}b/c}`, () => long, OPTIONS), /takes too long/);
  assert.throws(() => expandWord('${a:-'.repeat(10_000), () => undefined, OPTIONS), /within each other/);
});

test('expandWord() ends with a result or with an Error that has a message, whatever the text', () => {
  const pieces = fc.constantFrom('$', '{', '}', ':', '-', '/', '#', '%', '\\', '"', "'", 'A', ' ', '*', '?', '<', '+');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      try {
        expandWord(parts.join(''), lookupIn({ A: 'aa/b' }), OPTIONS);
      } catch (error) {
        assert.ok(error instanceof Error && error.message !== '' && !(error instanceof TypeError), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
