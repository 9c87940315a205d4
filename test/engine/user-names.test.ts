import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePasswd, parseUidMap } from '../../src/engine/user-names.ts';

test('parsePasswd() takes the first name of an id, and none that a terminal would obey', () => {
  const text = [
    'root:x:0:0:root:/root:/bin/sh',
    'toor:x:0:0::/root:/bin/sh',
    'www-data:x:33:33::/:',
    '\u001b[2J:x:34:34::/:',
    `${'a'.repeat(40)}:x:35:35::/:`,
    'half:x:-1:0::/:',
    'nothing',
  ].join('\n');
  assert.deepEqual(
    [...parsePasswd(text)],
    [
      [0, 'root'],
      [33, 'www-data'],
    ],
  );
});

test('parseUidMap() gives the id inside', () => {
  const mapped = parseUidMap('         0     100000      65536\n');
  assert.deepEqual([mapped(100_000), mapped(100_033), mapped(5)], [0, 33, 5]);
  assert.equal(parseUidMap('         0          0 4294967295\n')(33), 33);
});
