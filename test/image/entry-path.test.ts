import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEntryPath } from '../../src/image/layer/entry-path.ts';

test('parseEntryPath() gives components that cannot leave the root, or refuses', () => {
  const part = fc.constantFrom('..', '.', '', 'etc', '.wh.', '.wh.x', '.wh..wh..opq', '.wh..wh.plnk', 'a\0b', '.wh...');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      try {
        const path = parseEntryPath(parts.join('/'));
        if (path.type === 'ignored') return;
        for (const component of path.components) assert.match(component, /^(?!\.{0,2}$)[^/\0]+$/);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'image-invalid');
      }
    }),
  );
});

test('parseEntryPath() takes leading slashes and dots off', () => {
  assert.deepEqual(parseEntryPath('/./etc//x/'), { type: 'entry', components: ['etc', 'x'] });
  assert.deepEqual(parseEntryPath('./'), { type: 'entry', components: [] });
});

test('parseEntryPath() tells whiteouts, opaque markers and aufs notes', () => {
  assert.deepEqual(parseEntryPath('a/.wh.b'), { type: 'whiteout', components: ['a', 'b'] });
  assert.deepEqual(parseEntryPath('a/.wh..wh..opq'), { type: 'opaque', components: ['a'] });
  assert.deepEqual(parseEntryPath('.wh..wh.plnk/1.2'), { type: 'ignored' });
});

test('parseEntryPath() refuses a whiteout of nothing and a name that is too long', () => {
  for (const name of ['.wh.', 'a/.wh..', 'a/.wh...', '.wh.a/b', `a/${'n'.repeat(256)}`, 'd/'.repeat(3000)]) {
    assert.throws(() => parseEntryPath(name), { code: 'image-invalid' }, name.slice(0, 20));
  }
});
