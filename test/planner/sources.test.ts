import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeCause } from '../../src/planner/sources.ts';

/** Of fields, or of a field and its file. */
function cause(...fields: readonly (string | readonly [string, string])[]): string {
  return changeCause(
    fields.map((field) =>
      typeof field === 'string'
        ? { field, forcesReplacement: true }
        : { field: field[0], file: field[1], forcesReplacement: true },
    ),
  );
}

test('changeCause() tells a new image under the same name from another one in the stack file', () => {
  assert.equal(cause('image.id'), 'its image is a new one');
  assert.equal(cause('image.id', 'image.source.tag'), 'changed in the stack file');
  assert.equal(cause('mounts./site.imageId'), 'an image that it mounts is a new one');
  assert.equal(cause('mounts./site.imageId', 'mounts./site.image.tag'), 'changed in the stack file');
  assert.equal(
    cause('image.id', 'mounts./a.imageId', 'mounts./b.imageId'),
    'its image is a new one; an image that it mounts is a new one',
  );
});

test('changeCause() does not blame the stack file for what a new image says', () => {
  assert.equal(cause('image.id', 'argv', 'env.PATH', 'labels.of', 'user'), 'its image is a new one');
  assert.equal(cause('argv'), 'changed in the stack file');
  assert.equal(cause('image.id', 'dns'), 'changed in the stack file; its image is a new one');
  assert.equal(cause('mounts./a.imageId', 'argv'), 'changed in the stack file; an image that it mounts is a new one');
});

test('changeCause() names other files after everything else', () => {
  assert.equal(
    cause('image.id', ['env.A', 'a.env'], ['env.B', 'a.env'], 'dns'),
    'changed in the stack file; its image is a new one; changed: a.env',
  );
});
