import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlob, matchesGlob } from '../../src/build/context/glob.ts';
import { ignoreFilesOf, type ParentMatches, PatternMatcher, parseIgnoreFile } from '../../src/build/context/ignore.ts';

/** From the tests of moby/patternmatcher (Apache-2.0): patterns, a path, whether it is ignored. */
const MOBY: readonly [patterns: readonly string[], path: string, expected: boolean | 'error'][] = [
  [['**'], 'file', true],
  [['**'], 'file/', true],
  [['**/'], 'file', true],
  [['**/'], 'file/', true],
  [['**'], '/', true],
  [['**/'], '/', true],
  [['**'], 'dir/file', true],
  [['**/'], 'dir/file', true],
  [['**'], 'dir/file/', true],
  [['**/'], 'dir/file/', true],
  [['**/**'], 'dir/file', true],
  [['**/**'], 'dir/file/', true],
  [['dir/**'], 'dir/file', true],
  [['dir/**'], 'dir/file/', true],
  [['dir/**'], 'dir/dir2/file', true],
  [['dir/**'], 'dir/dir2/file/', true],
  [['**/dir'], 'dir', true],
  [['**/dir'], 'dir/file', true],
  [['**/dir2/*'], 'dir/dir2/file', true],
  [['**/dir2/*'], 'dir/dir2/file/', true],
  [['**/dir2/**'], 'dir/dir2/dir3/file', true],
  [['**/dir2/**'], 'dir/dir2/dir3/file/', true],
  [['**file'], 'file', true],
  [['**file'], 'dir/file', true],
  [['**/file'], 'dir/file', true],
  [['**file'], 'dir/dir/file', true],
  [['**/file'], 'dir/dir/file', true],
  [['**/file*'], 'dir/dir/file', true],
  [['**/file*'], 'dir/dir/file.txt', true],
  [['**/file*txt'], 'dir/dir/file.txt', true],
  [['**/file*.txt'], 'dir/dir/file.txt', true],
  [['**/file*.txt*'], 'dir/dir/file.txt', true],
  [['**/**/*.txt'], 'dir/dir/file.txt', true],
  [['**/**/*.txt2'], 'dir/dir/file.txt', false],
  [['**/*.txt'], 'file.txt', true],
  [['**/**/*.txt'], 'file.txt', true],
  [['a**/*.txt'], 'a/file.txt', true],
  [['a**/*.txt'], 'a/dir/file.txt', true],
  [['a**/*.txt'], 'a/dir/dir/file.txt', true],
  [['a/*.txt'], 'a/dir/file.txt', false],
  [['a/*.txt'], 'a/file.txt', true],
  [['a/*.txt**'], 'a/file.txt', true],
  [['a[b-d]e'], 'ae', false],
  [['a[b-d]e'], 'ace', true],
  [['a[b-d]e'], 'aae', false],
  [['a[^b-d]e'], 'aze', true],
  [['.*'], '.foo', true],
  [['.*'], 'foo', false],
  [['abc.def'], 'abcdef', false],
  [['abc.def'], 'abc.def', true],
  [['abc.def'], 'abcZdef', false],
  [['abc?def'], 'abcZdef', true],
  [['abc?def'], 'abcdef', false],
  [['a\\\\'], 'a\\', true],
  [['**/foo/bar'], 'foo/bar', true],
  [['**/foo/bar'], 'dir/foo/bar', true],
  [['**/foo/bar'], 'dir/dir2/foo/bar', true],
  [['abc/**'], 'abc', false],
  [['abc/**'], 'abc/def', true],
  [['abc/**'], 'abc/def/ghi', true],
  [['**/.foo'], '.foo', true],
  [['**/.foo'], 'bar.foo', false],
  [['a(b)c/def'], 'a(b)c/def', true],
  [['a(b)c/def'], 'a(b)c/xyz', false],
  [['a.|)$(}+{bc'], 'a.|)$(}+{bc', true],
  [
    ['dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl'],
    'dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl',
    true,
  ],
  [['dist/*.whl'], 'dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl', true],
  [['abc'], 'abc', true],
  [['*'], 'abc', true],
  [['*c'], 'abc', true],
  [['a*'], 'a', true],
  [['a*'], 'abc', true],
  [['a*'], 'ab/c', true],
  [['a*/b'], 'abc/b', true],
  [['a*/b'], 'a/c/b', false],
  [['a*b*c*d*e*/f'], 'axbxcxdxe/f', true],
  [['a*b*c*d*e*/f'], 'axbxcxdxexxx/f', true],
  [['a*b*c*d*e*/f'], 'axbxcxdxe/xxx/f', false],
  [['a*b*c*d*e*/f'], 'axbxcxdxexxx/fff', false],
  [['a*b?c*x'], 'abxbbxdbxebxczzx', true],
  [['a*b?c*x'], 'abxbbxdbxebxczzy', false],
  [['ab[c]'], 'abc', true],
  [['ab[b-d]'], 'abc', true],
  [['ab[e-g]'], 'abc', false],
  [['ab[^c]'], 'abc', false],
  [['ab[^b-d]'], 'abc', false],
  [['ab[^e-g]'], 'abc', true],
  [['a\\*b'], 'a*b', true],
  [['a\\*b'], 'ab', false],
  [['a?b'], 'a☺b', true],
  [['a[^a]b'], 'a☺b', true],
  [['a???b'], 'a☺b', false],
  [['a[^a][^a][^a]b'], 'a☺b', false],
  [['[a-ζ]*'], 'α', true],
  [['*[a-ζ]'], 'A', false],
  [['a?b'], 'a/b', false],
  [['a*b'], 'a/b', false],
  [['[\\]a]'], ']', true],
  [['[\\-]'], '-', true],
  [['[x\\-]'], 'x', true],
  [['[x\\-]'], '-', true],
  [['[x\\-]'], 'z', false],
  [['[\\-x]'], 'x', true],
  [['[\\-x]'], '-', true],
  [['[\\-x]'], 'a', false],
  [['[]a]'], ']', 'error'],
  [['[-]'], '-', 'error'],
  [['[x-]'], 'x', 'error'],
  [['[x-]'], '-', 'error'],
  [['[x-]'], 'z', 'error'],
  [['[-x]'], 'x', 'error'],
  [['[-x]'], '-', 'error'],
  [['[-x]'], 'a', 'error'],
  [['\\'], 'a', 'error'],
  [['[a-b-c]'], 'a', 'error'],
  [['['], 'a', 'error'],
  [['[^'], 'a', 'error'],
  [['[^bc'], 'a', 'error'],
  [['a['], 'a', 'error'],
  [['a['], 'ab', 'error'],
  [['*x'], 'xxx', true],
  [['!fileutils.go', '*.go'], 'fileutils.go', true],
  [['docs', '!docs/README.md'], 'docs/README.md', false],
  [['docs/', '!docs/README.md'], 'docs/README.md', false],
  [['docs/*', '!docs/README.md'], 'docs/README.md', false],
  [['*.go', '!fileutils.go'], 'fileutils.go', false],
  [['**', '!util/docker/web'], 'util/docker/web/foo', false],
  [['**', '!util/docker/web', 'util/docker/web/foo'], 'util/docker/web/foo', true],
  [['**', '!dist/*.whl'], 'dist/proxy.py-2.4.0rc3.whl', false],
  [['!'], 'x', 'error'],
];

function matches(patterns: readonly string[], path: string): boolean | 'error' {
  try {
    return new PatternMatcher(patterns, '.dockerignore').matches(path);
  } catch {
    return 'error';
  }
}

test('PatternMatcher gives what moby gives, for each case of its own tests', () => {
  assert.ok(MOBY.length > 100);
  for (const [patterns, path, expected] of MOBY) {
    assert.equal(matches(patterns, path), expected, `${JSON.stringify(patterns)} ${path}`);
  }
});

test('a malformed pattern is told with its text and with where it was written', () => {
  assert.throws(
    () => new PatternMatcher(['a', 'b[c'], '.dockerignore'),
    /^TsstackError: \.dockerignore: "b\[c" is no pattern: it has a "\["/,
  );
});

test('parseIgnoreFile() leaves out comments and blanks, and cleans paths', () => {
  const text = '\uFEFF# note\n\n  a  \n #b\n/c/\n./d/../e\n! /f/ \n!./g\r\n/\nh#\n';
  assert.deepEqual(parseIgnoreFile(text, 'f'), ['a', '#b', 'c', 'e', '!f', '!g', '/', 'h#']);
});

const part = fc.constantFrom('a', 'b', 'ab', '*', '?', 'a*', '**', '[a-b]', '*b');
const pattern = fc
  .tuple(fc.constantFrom('', '!'), fc.array(part, { minLength: 1, maxLength: 3 }))
  .map(([mark, parts]) => mark + parts.join('/'));
const path = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'c'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));

/** The rule without any of what makes it quick: component by component, backtracking. */
function naive(patterns: readonly string[], file: string): boolean {
  const components = file.split('/');
  const above = patterns.map(() => false);
  let ignored = false;
  for (let count = 1; count <= components.length; count += 1) {
    ignored = false;
    for (const [index, each] of patterns.entries()) {
      const isException = each.startsWith('!');
      const parts = (isException ? each.slice(1) : each).split('/');
      // What cannot change the result is not asked, and so does not hold for what is below.
      const hit = above[index] === true || (isException === ignored && naiveMatch(parts, components.slice(0, count)));
      above[index] = hit;
      if (hit) ignored = !isException;
    }
  }
  return ignored;
}

function naiveMatch(parts: readonly string[], components: readonly string[]): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return components.length === 0;
  if (part === '**') {
    const least = rest.length === 0 ? 1 : 0;
    return (
      components.some((_, index) => index >= least && naiveMatch(rest, components.slice(index))) ||
      (components.length >= least && naiveMatch(rest, []))
    );
  }
  const [component, ...others] = components;
  if (component === undefined) return false;
  const expression = new RegExp(`^${part.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
  return expression.test(component) && naiveMatch(rest, others);
}

test('the last pattern that matches a path or a directory above decides, as a naive reading of the rule says', () => {
  // `a/**/**` and `**/**` are beyond the rule: moby asks for a slash there.
  const simple = pattern.filter((text) => (text.match(/\*\*/g) ?? []).length <= 1);
  fc.assert(
    fc.property(fc.array(simple, { maxLength: 4 }), path, (patterns, file) => {
      assert.equal(matches(patterns, file), naive(patterns, file), `${patterns.join(' ')} : ${file}`);
    }),
    { numRuns: 3000 },
  );
});

test('asking from directory to directory gives the same, and what is below a skipped one is never kept', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 4 }), path, (patterns, file) => {
      const matcher = new PatternMatcher(patterns, 'f');
      const components = file.split('/');
      let parents: ParentMatches | undefined;
      let skipped = false;
      for (let count = 1; count <= components.length; count += 1) {
        const at = components.slice(0, count).join('/');
        const found = matcher.match(at, parents);
        if (skipped) assert.ok(found.matches, `${patterns.join(' ')} : ${at}`);
        skipped ||= found.matches && !matcher.mayExceptBelow(at);
        parents = found.each;
        assert.equal(found.matches, matcher.matches(at));
      }
    }),
    { numRuns: 3000 },
  );
});

test('patterns made to take for ever take no longer than others', () => {
  const began = Date.now();
  const tokens = compileGlob(`${'*a'.repeat(100)}b`);
  assert.equal(matchesGlob(tokens, 'a'.repeat(5000)), false);
  assert.equal(matches([`${'*'.repeat(101)}a`], 'a'), 'error');
  assert.equal(matches([`${'**/a/'.repeat(20)}b`], 'a/'.repeat(200).slice(0, -1)), false);
  assert.ok(Date.now() - began < 5000);
});

test('ignoreFilesOf() puts the file of the Dockerfile first', () => {
  assert.deepEqual(ignoreFilesOf('docker/Dockerfile.dev'), ['docker/Dockerfile.dev.dockerignore', '.dockerignore']);
});
