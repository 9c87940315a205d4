import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
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
    assert.equal(index(), 'emptied 3\n');
  });

  it('sees that a log was emptied and has grown beyond its size again, tells it once, and no start stays', async () => {
    const told: string[] = [];
    let now = 3;
    const indexer = new LogIndexer({ gapMs: 0, now: () => now, onEmptied: (file) => told.push(file) });
    writeFileSync(path, 'first\n'.repeat(100));
    writeFileSync(`${path}.index`, 'start 60\n0 1\n300 2\n');
    indexer.add(path);
    writeFileSync(path, 'second\n'.repeat(200));
    await indexIs('emptied 3\n0 3\n');
    now = 4;
    writeFileSync(path, 'third\n'.repeat(300));
    await indexIs('emptied 4\n0 4\n');
    assert.deepEqual(told, [path]);
    indexer.close();
  });

  it('begins anew with a log that was emptied while nobody looked', () => {
    writeFileSync(path, 'short\n');
    writeFileSync(`${path}.index`, 'start 60\n0 1\n300 2\n');
    const indexer = new LogIndexer({ gapMs: 1e6, now: () => 9 });
    indexer.add(path);
    indexer.close();
    assert.equal(index(), 'emptied 9\n0 9\n');
  });

  it('does not mind that the directory goes', () => {
    writeFileSync(path, 'abc');
    const indexer = new LogIndexer();
    indexer.add(path);
    rmSync(directory, { recursive: true });
    indexer.close();
    indexer.close();
  });

  describe('with a limit', () => {
    const punched: number[] = [];
    const punch = async (file: string, length: number): Promise<void> => {
      punched.push(length);
      execFileSync('fallocate', ['--punch-hole', '--offset', '0', '--length', String(length), file]);
    };
    const blocks = (): number => statSync(path).blocks * 512;
    beforeEach(() => punched.splice(0));

    it('drops whole lines from the front, and its entries, and frees their blocks', async () => {
      let now = 1000;
      const indexer = new LogIndexer({ now: () => now, punch, gapMs: 0 });
      writeFileSync(path, '');
      indexer.add(path, 64 * 1024);
      appendFileSync(path, `${'a'.repeat(99)}\n`.repeat(600));
      await indexIs('0 1000\n');
      now = 2000;
      appendFileSync(path, `${'b'.repeat(99)}\n`.repeat(600));
      await indexer.remove(path);
      // 120,000 bytes; seven eighths of 64 KiB are 57,344.
      assert.equal(index(), 'start 62700\n60000 2000\n');
      assert.deepEqual(punched, [62_700]);
      assert.ok(blocks() <= 64 * 1024, `${blocks()}`);
      assert.equal(readFileSync(path, 'latin1').slice(62_700), `${'b'.repeat(99)}\n`.repeat(573));
      assert.deepEqual(readdirSync(directory).toSorted(), ['log', 'log.index']);
    });

    it('does anew what a killed daemon began: the start has moved and the hole is not there yet', async () => {
      writeFileSync(path, 'x\n'.repeat(50_000));
      writeFileSync(`${path}.index`, 'start 80000\n0 1000\n');
      const before = blocks();
      const indexer = new LogIndexer({ punch });
      indexer.add(path, 64 * 1024);
      await indexer.remove(path);
      // 100,000 bytes less seven eighths of 64 KiB.
      assert.deepEqual(punched, [42_656]);
      assert.ok(blocks() <= before - 38_000, `${before} → ${blocks()}`);
    });

    it('does not read through terabytes without a line for where to cut', async () => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 43);
      const indexer = new LogIndexer({ punch });
      indexer.add(path, 2 ** 42);
      await indexer.remove(path);
      assert.deepEqual(punched, [2 ** 43 - (2 ** 42 * 7) / 8]);
    });

    it('counts another limit at once, and keeps a log that is within it', async () => {
      writeFileSync(path, 'x\n'.repeat(10_000));
      const indexer = new LogIndexer({ punch });
      indexer.add(path, 20_000);
      assert.deepEqual(punched, []);
      indexer.add(path, 8000);
      await indexer.remove(path);
      assert.deepEqual(punched, [13_000]);
    });

    it('keeps the end of what has no end of a line', async () => {
      writeFileSync(path, 'x'.repeat(100_000));
      const indexer = new LogIndexer({ punch });
      indexer.add(path, 8000);
      await indexer.remove(path);
      assert.deepEqual(punched, [93_000]);
    });

    it('leaves a file alone whose file system has no holes', async () => {
      let asked = 0;
      const indexer = new LogIndexer({
        punch: async () => {
          asked += 1;
          throw new Error('not supported');
        },
      });
      writeFileSync(path, 'x\n'.repeat(10_000));
      indexer.add(path, 8000);
      await new Promise(setImmediate);
      appendFileSync(path, 'x\n'.repeat(10_000));
      await indexer.remove(path);
      assert.equal(asked, 1);
    });
  });
});
