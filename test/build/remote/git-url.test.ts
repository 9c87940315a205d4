import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type GitSource, parseGitUrl } from '../../../src/build/remote/git.ts';

describe('parseGitUrl()', () => {
  const cases: readonly (readonly [string, GitSource | undefined])[] = [
    ['https://h.test/', undefined],
    ['https://h.test/foo', undefined],
    ['https://h.test/foo.git/', undefined],
    ['https://h.test/foo.git.bar', undefined],
    ['https://h.test/x.git', { remote: 'https://h.test/x.git' }],
    ['https://ann:pw@h.test:8443/x.git#v1', { remote: 'https://ann:pw@h.test:8443/x.git', ref: 'v1' }],
    [
      'http://h.test/x.git#release/1.2:sub/dir',
      { remote: 'http://h.test/x.git', ref: 'release/1.2', subdirectory: 'sub/dir' },
    ],
    ['https://h.test/x.git#:dir', { remote: 'https://h.test/x.git', subdirectory: 'dir' }],
    ['http://h.test/x.git:#branch', undefined],
    ['git://h.test/foo', { remote: 'git://h.test/foo' }],
    ['ssh://git@h.test:2222/~ann/x', { remote: 'ssh://git@h.test:2222/~ann/x' }],
    ['git@h.test:a/b.git#main', { remote: 'git@h.test:a/b.git', ref: 'main' }],
    ['git@h.test:a/b?branch=x', { remote: 'git@h.test:a/b', ref: 'refs/heads/x' }],
    ['github.com/x/y', { remote: 'https://github.com/x/y', mayBePath: true }],
    ['github.com/x/y#v1:d', { remote: 'https://github.com/x/y', mayBePath: true, ref: 'v1', subdirectory: 'd' }],
    ['custom.test/moby/buildkit.git', undefined],
    ['./.git', undefined],
    ['.git', undefined],
    ['file:///srv/x.git', undefined],
    ['ext::sh -c id', undefined],
    ['https://h.test/x.git\n', undefined],
    ['ssh://-oProxyCommand=id/x.git', undefined],
    ['-oProxyCommand=id@h:x', undefined],
    [
      'https://h.test/x.git?ref=v1.0.0&subdir=/s',
      { remote: 'https://h.test/x.git', ref: 'v1.0.0', subdirectory: '/s' },
    ],
    [
      'https://h.test/x.git?tag=v1&keep-git-dir',
      { remote: 'https://h.test/x.git', ref: 'refs/tags/v1', keepGitDir: true },
    ],
    [
      'https://h.test/x.git?branch=b&submodules=false&keep-git-dir=0#refs/heads/b',
      { remote: 'https://h.test/x.git', ref: 'refs/heads/b', submodules: false, keepGitDir: false },
    ],
    [
      'https://h.test/x.git?checksum=0123abcd',
      { remote: 'https://h.test/x.git', ref: '0123abcd', checksum: '0123abcd' },
    ],
    [
      'https://h.test/x.git?commit=0123abcd#main',
      { remote: 'https://h.test/x.git', ref: 'main', checksum: '0123abcd' },
    ],
  ];
  for (const [text, expected] of cases) it(JSON.stringify(text), () => assert.deepEqual(parseGitUrl(text), expected));

  for (const [query, message] of [
    ['?depth=1', /query "depth", which nobody knows/],
    ['?ref=a#b', /more than one ref: b, a/],
    ['?tag=a&branch=b', /a branch and a tag/],
    ['?ref=', /"ref" without a value/],
    ['?ref=a&ref=a', /"ref" 2 times/],
    ['?keep-git-dir=maybe', /neither true nor false/],
    ['?checksum=xyz', /not at least 7 digits/],
    ['#--upload-pack=id', /no name of a branch/],
    ['#refs/heads/*', /no name of a branch/],
    ['#a..b', /no name of a branch/],
  ] as const) {
    it(`refuses ${query}`, () => {
      assert.throws(
        () => parseGitUrl(`https://ann:hunter2@h.test/x.git${query}`),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'build-failed');
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        },
      );
    });
  }
});
