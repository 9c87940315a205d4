import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WatchRule } from '../../src/model/stack.ts';
import { matchRule } from '../../src/watch/match-rule.ts';

const rule = (changes: Partial<WatchRule>): WatchRule => ({
  initialSync: false,
  action: 'sync',
  path: '/srv/web',
  target: '/app',
  ignore: [],
  include: [],
  ...changes,
});

/** Rule, changed file below /srv, where it goes. */
const TABLE: readonly (readonly [string, Partial<WatchRule>, string, string | undefined])[] = [
  ['a file below the path', {}, 'web/src/main.js', '/app/src/main.js'],
  ['a target with a slash at its end', { target: '/app/' }, 'web/main.js', '/app/main.js'],
  ['a target that is the root', { target: '/' }, 'web/main.js', '/main.js'],
  ['a path that is a file', { path: '/srv/web/a.txt', target: '/app/b.txt' }, 'web/a.txt', '/app/b.txt'],
  ['a file into a directory', { path: '/srv/web/a.txt', target: '/app/' }, 'web/a.txt', '/app/a.txt'],
  ['a neighbour whose name begins alike', {}, 'website/main.js', undefined],
  ['a file above', {}, 'main.js', undefined],
  ['a file whose name begins with two dots', {}, 'web/..main.js', '/app/..main.js'],
  ['a rule without target', { action: 'restart', target: undefined as never }, 'web/main.js', ''],
  ['an ignored directory', { ignore: ['node_modules/'] }, 'web/node_modules/x/y.js', undefined],
  ['an ignored directory, deeper', { ignore: ['node_modules/'] }, 'web/lib/node_modules/y.js', undefined],
  ['a name that an ignored one begins', { ignore: ['node'] }, 'web/node.js', '/app/node.js'],
  ['an ignored path', { ignore: ['./src/gen'] }, 'web/src/gen/x.js', undefined],
  ['an ignored suffix at any depth', { ignore: ['*.log'] }, 'web/a/b/c.log', undefined],
  ['an ignored suffix with stars', { ignore: ['**/*.log'] }, 'web/c.log', undefined],
  ['a hidden file of an ignored directory', { ignore: ['.git'] }, 'web/.git/HEAD', undefined],
  ['an included suffix', { include: ['*.html'] }, 'web/a/b.html', '/app/a/b.html'],
  ['what is not included', { include: ['*.html'] }, 'web/a/b.css', undefined],
  ['what is included and ignored', { include: ['*.html'], ignore: ['a/'] }, 'web/a/b.html', undefined],
];

for (const [what, changes, path, goes] of TABLE) {
  test(`${what}: ${path} goes to ${goes === undefined ? 'nowhere' : JSON.stringify(goes)}`, () => {
    assert.equal(matchRule(rule(changes), `/srv/${path}`), goes);
  });
}
