import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LineMatcher } from '../../src/log/line-matcher.ts';

function withLog(body: (path: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'matcher-'));
  try {
    body(join(directory, 'log'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a line is found when it has come, before its line break too, and stays found', () =>
  withLog((path) => {
    const matcher = new LineMatcher(path, 0, '^ready in \\d+ ms$');
    assert.equal(matcher.look(), false, 'there is no log yet');
    writeFileSync(path, 'starting\nready');
    assert.equal(matcher.look(), false);
    appendFileSync(path, ' in 12 ms');
    assert.equal(matcher.look(), true);
    writeFileSync(path, '');
    assert.equal(matcher.look(), true);
  }));

test('a log that was emptied is looked through from its start, also when it has grown beyond its size again', () =>
  withLog((path) => {
    writeFileSync(path, 'starting\n');
    const matcher = new LineMatcher(path, 9, '^ready$');
    assert.equal(matcher.look(), false);
    writeFileSync(path, 'again\n');
    assert.equal(matcher.look(), false);
    writeFileSync(path, 'ready\nand more than that\n');
    assert.equal(matcher.look(), true);
    assert.equal(new LineMatcher(path, 100, '^ready$').look(), true);
  }));

test('only what comes after the first byte counts, and a carriage return is no part of a line', () =>
  withLog((path) => {
    writeFileSync(path, 'ready\r\n');
    const matcher = new LineMatcher(path, 7, '^ready$');
    assert.equal(matcher.look(), false);
    appendFileSync(path, 'ready\r\n');
    assert.equal(matcher.look(), true);
  }));

test('a pattern that backtracks without end is ended, and what it took long for again and again is passed over', () =>
  withLog((path) => {
    writeFileSync(path, `${'a'.repeat(60)}\n`);
    const matcher = new LineMatcher(path, 0, '^(a+)+b$');
    for (let look = 0; look < 3; look += 1) assert.throws(() => matcher.look(), /takes longer than 50 ms/);
    appendFileSync(path, 'ab\n');
    assert.equal(matcher.look(), true);
  }));

test('what took long once is looked at again: it may have been the machine', () =>
  withLog((path) => {
    writeFileSync(path, `${'a'.repeat(60)}\n`);
    const matcher = new LineMatcher(path, 0, '^(a+)+b$');
    assert.throws(() => matcher.look(), /takes longer than 50 ms/);
    writeFileSync(path, `${'a'.repeat(59)}b\n`);
    assert.equal(matcher.look(), true);
  }));

test('a line is looked at up to its 4096th character', () =>
  withLog((path) => {
    writeFileSync(path, `${'x'.repeat(5000)}ready\n${'y'.repeat(1 << 21)}`);
    assert.equal(lookAnew(path), false);
    appendFileSync(path, '\nready');
    assert.equal(lookAnew(path), true);
  }));

/** Again while a busy machine lets a look take too long. */
function lookAnew(path: string): boolean {
  for (let left = 20; ; left -= 1) {
    try {
      return new LineMatcher(path, 0, 'ready').look();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}
