import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readWholeText } from '../../src/host/read-text.ts';

function textOf(bytes: Uint8Array | string): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'read-text-'));
  try {
    writeFileSync(`${directory}/file`, bytes);
    return readWholeText(`${directory}/file`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('readWholeText() reads what TextDecoder does: no byte order mark, and a sign for each run of what is no UTF-8', () => {
  const parts = ['', 'a\n', '\u00e4\u20ac\u{1f600}', '\ufeffb', '\ufeff\ufeffc'].map((text) => Buffer.from(text));
  const broken = [[0xff], [0x61, 0xe2, 0x82, 0x62], [0xf0, 0x9f, 0x98], [0xc0, 0x80], [0xed, 0xa0, 0x80]];
  for (const bytes of [...parts, ...broken.map((each) => Buffer.from(each))]) {
    assert.equal(textOf(bytes), new TextDecoder().decode(bytes), bytes.toString('hex'));
  }
});

test('readWholeText() reads to the end what has no size, in however many pieces it comes', () => {
  // Some 50 KB, which the kernel gives at most a page at a time.
  const symbols = readWholeText('/proc/kallsyms') ?? '';
  assert.equal(symbols.split('\n').length, readFileSync('/proc/kallsyms', 'latin1').split('\n').length);
  assert.match(readWholeText('/proc/self/stat') ?? '', /^\d+ \(.*\) .*\n$/);
});

test('readWholeText() of what is not there is undefined, and of what cannot be read an error', () => {
  assert.equal(readWholeText('/no/such'), undefined);
  assert.equal(readWholeText('/proc/self/stat/below'), undefined);
  assert.throws(() => readWholeText('/proc/self'), { code: 'EISDIR' });
});
