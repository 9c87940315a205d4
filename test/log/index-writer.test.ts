import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { LogIndexer } from '../../src/log/index-writer.ts';
import { watchFile } from '../../src/log/watch-file.ts';

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsstack-index-'));
  path = join(directory, 'log');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const index = (): string => readFileSync(`${path}.index`, 'utf8');

/** Resolves when the index has become `text`. */
async function indexIs(text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    try {
      if (index() === text) resolve();
    } catch {
      // Not there yet.
    }
  };
  const watch = watchFile(`${path}.index`, look);
  look();
  await promise;
  watch?.close();
}

describe('LogIndexer', () => {
  it('notes offset and time of what is written', async () => {
    let now = 1000;
    const indexer = new LogIndexer({ gapMs: 0, now: () => now });
    indexer.add(path);
    appendFileSync(path, 'hello\n');
    await indexIs('0 1000\n');
    now = 2000;
    appendFileSync(path, 'world\n');
    await indexIs('0 1000\n6 2000\n');
    indexer.close();
  });

  it('notes what was written since the last look when a file is removed', () => {
    const indexer = new LogIndexer({ now: () => 7 });
    indexer.add(path);
    appendFileSync(path, 'last words');
    indexer.remove(path);
    indexer.remove(path);
    assert.equal(index(), '0 7\n');
  });

  it('writes one entry for all that comes within the gap', () => {
    const indexer = new LogIndexer({ gapMs: 1e6, now: () => 5 });
    writeFileSync(path, 'a');
    indexer.add(path);
    for (let count = 0; count < 100; count += 1) appendFileSync(path, 'b');
    indexer.close();
    assert.equal(index(), '0 5\n1 5\n');
  });

  it('leaves to the last entry what was written while nobody looked', () => {
    writeFileSync(path, 'before\nmeanwhile\n');
    writeFileSync(`${path}.index`, '0 1\n');
    const indexer = new LogIndexer({ now: () => 9 });
    indexer.add(path);
    appendFileSync(path, 'now\n');
    indexer.close();
    assert.equal(index(), '0 1\n17 9\n');
  });

  it('begins anew when the log is emptied', () => {
    writeFileSync(path, 'abc');
    const indexer = new LogIndexer({ gapMs: 1e6, now: () => 3 });
    indexer.add(path);
    truncateSync(path, 0);
    indexer.remove(path);
    assert.equal(index(), '');
  });

  it('does not mind that the directory goes', () => {
    writeFileSync(path, 'abc');
    const indexer = new LogIndexer();
    indexer.add(path);
    rmSync(directory, { recursive: true });
    indexer.close();
    indexer.close();
  });
});
