import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database } from '../../src/store/database.ts';
import { Table } from '../../src/store/table.ts';

test('all() is sorted, and another array after every change and only then', () => {
  const table = new Table<{ name: string }>(Database.open(':memory:').database, 'stacks', ({ name }) => name);
  const names = () => table.all().map(({ name }) => name);
  for (const name of ['b', 'a']) table.put({ name });
  const before = table.all();
  assert.deepEqual(names(), ['a', 'b']);
  assert.equal(table.all(), before);
  table.put({ name: 'b' });
  assert.notEqual(table.all(), before);
  table.delete('a');
  assert.deepEqual(names(), ['b']);
});
