import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseName, decideCopy, endsInSlash, type Kind } from '../../src/copy/destination.ts';

/** `docker cp SRC DEST`, as its reference describes it: what DEST is, and where SRC ends up. */
const CASES: readonly (readonly [
  source: 'file' | 'directory',
  path: string,
  destination: string,
  is: Kind,
  ends: string,
])[] = [
  ['file', 'a', '/d', 'missing', '/d'],
  ['file', 'a', '/d/', 'missing', 'not-found'],
  ['file', 'a', '/d', 'other', '/d'],
  ['file', 'a', '/d/', 'other', 'conflict'],
  ['file', 'x/a', '/d', 'directory', '/d/a'],
  ['file', 'x/a', '/d/', 'directory', '/d/a'],
  ['directory', 's', '/d', 'missing', '/d'],
  ['directory', 's', '/d/', 'missing', '/d'],
  ['directory', 's/.', '/d', 'missing', '/d'],
  ['directory', 's', '/d', 'other', 'conflict'],
  ['directory', 's/.', '/d', 'other', 'conflict'],
  ['directory', 's', '/d', 'directory', '/d/s'],
  ['directory', 's/', '/d', 'directory', '/d/s'],
  ['directory', 's/.', '/d', 'directory', '/d/*'],
  ['directory', '/', '/d', 'directory', '/d/*'],
  ['directory', '..', '/d', 'directory', '/d/*'],
];

for (const [type, path, destination, kind, ends] of CASES) {
  test(`${type} ${path} to ${destination} (${kind}): ${ends}`, () => {
    const source = { directory: type === 'directory', name: baseName(path) };
    const decide = () => decideCopy(source, { kind, slash: endsInSlash(destination), path: destination });
    if (!ends.startsWith('/')) {
      assert.throws(decide, { code: ends });
      return;
    }
    const decided = decide();
    const base = destination.replace(/\/$/, '');
    assert.equal(decided === 'itself' ? base : `${base}/${decided.below ?? '*'}`, ends);
  });
}
