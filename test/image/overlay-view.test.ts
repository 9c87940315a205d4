import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EntryKind, OverlayView } from '../../src/image/overlay-view.ts';

function view(layers: readonly Record<string, EntryKind>[]): OverlayView {
  const tree = new Map(
    layers.flatMap((layer, index) => Object.entries(layer).map(([path, kind]) => [`/${index}/${path}`, kind])),
  );
  return new OverlayView(
    layers.map((_layer, index) => `/${index}`),
    (path) => tree.get(path),
  );
}

test('OverlayView merges directories until something else is in the way', () => {
  const shown = view([{ d: 'directory' }, { d: 'directory', 'd/x': 'file' }, { d: 'file' }, { d: 'directory' }]);
  assert.deepEqual(shown.directories('d'), ['/0/d', '/1/d']);
  assert.deepEqual(shown.entry('d'), { kind: 'directory', realPath: '/0/d' });
  assert.deepEqual(shown.entry('d/x'), { kind: 'file', realPath: '/1/d/x' });
});

test('OverlayView shows the topmost of what is no directory, and nothing of the directories below it', () => {
  const shown = view([{}, { d: 'symlink' }, { d: 'directory', 'd/x': 'file' }]);
  assert.deepEqual(shown.entry('d'), { kind: 'symlink', realPath: '/1/d' });
  assert.deepEqual(shown.directories('d'), []);
  assert.equal(shown.entry('d/x'), undefined);
});

test('OverlayView ends a directory at a whiteout: one made anew above it does not show the old files', () => {
  const shown = view([{ d: 'directory' }, { d: 'whiteout' }, { d: 'directory', 'd/x': 'file' }]);
  assert.deepEqual(shown.directories('d'), ['/0/d']);
  assert.equal(shown.entry('d/x'), undefined);
  assert.equal(view([{ x: 'whiteout' }, { x: 'file' }]).entry('x'), undefined);
});
