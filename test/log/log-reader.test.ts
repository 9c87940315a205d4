import assert from 'node:assert/strict';
import { appendFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lastLines } from '../../src/log/last-lines.ts';
import { LineMatcher } from '../../src/log/line-matcher.ts';
import type { LogSource } from '../../src/log/log-cursor.ts';
import { type LogOptions, LogReader } from '../../src/log/log-reader.ts';
import { Collector, MEGA, numbered, numberOf, punch, useLogs } from './log-files.ts';

const { at, file } = useLogs();

async function read(sources: readonly LogSource[], options: Partial<LogOptions> = {}): Promise<Buffer> {
  const collector = new Collector();
  await new LogReader(sources, { follow: false, timestamps: false, ...options }, collector.sink).run();
  return collector.bytes;
}

describe('LogReader', () => {
  it('passes bytes on exactly, when there is no prefix', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 0, maxLength: 5000 }), async (bytes) => {
        assert.deepEqual(await read([{ path: file('log', bytes), prefix: '' }]), Buffer.from(bytes));
      }),
      { numRuns: 50 },
    );
  });

  it('passes more than a window on exactly', async () => {
    const bytes = Buffer.alloc(3 * MEGA + 17, 'abc\u00ff\n\r\0x', 'latin1');
    assert.ok((await read([{ path: file('log', bytes), prefix: '' }])).equals(bytes));
  });

  it('puts the prefix before every line, and keeps the bytes of the lines', async () => {
    const line = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.filter((byte) => byte !== 10));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1 }), async (lines) => {
        const text = Buffer.concat(lines.flatMap((each) => [each, Buffer.from('\n')]));
        const wanted = Buffer.concat(lines.flatMap((each) => [Buffer.from('web | '), each, Buffer.from('\n')]));
        assert.deepEqual(await read([{ path: file('log', text), prefix: 'web | ' }]), wanted);
      }),
      { numRuns: 50 },
    );
  });

  it('puts prefixes right where lines cross window borders, and into lines longer than a window', async () => {
    const lines = [MEGA - 3, 7, 3 * MEGA, 0, MEGA - 1, 5].map((length) => 'x'.repeat(length));
    const text = lines.map((line) => `${line}\n`).join('');
    const wanted = lines.map((line) => `p ${line}\n`).join('');
    assert.ok((await read([{ path: file('log', text), prefix: 'p ' }])).equals(Buffer.from(wanted)));
  });

  it('ends a last line without line break only where there is a prefix', async () => {
    const path = file('log', 'one\ntwo');
    assert.equal((await read([{ path, prefix: 'p ' }])).toString(), 'p one\np two\n');
    assert.equal((await read([{ path, prefix: '' }])).toString(), 'one\ntwo');
  });

  it('gives the last lines, whatever borders they cross', async () => {
    const lines = Array.from({ length: 60_000 }, (_, at) => `${at} ${'y'.repeat(at % 97)}`);
    const path = file('log', lines.map((line) => `${line}\n`).join(''));
    for (const tail of [0, 1, 2, 25_000, 59_999, 60_000, 70_000]) {
      const wanted = tail === 0 ? [] : lines.slice(-tail);
      assert.ok(
        (await read([{ path, prefix: '' }], { tail })).equals(Buffer.from(wanted.map((line) => `${line}\n`).join(''))),
        `tail ${tail}`,
      );
    }
  });

  it('counts a line break that is the last byte before a window border', async () => {
    const lines = Array.from({ length: 40_000 }, (_, at) => `${String(at).padStart(63)}\n`);
    const path = file('log', lines.join(''));
    assert.ok(
      (await read([{ path, prefix: '' }], { tail: 30_000 })).equals(Buffer.from(lines.slice(-30_000).join(''))),
    );
  });

  it('counts a last line without line break as a line', async () => {
    assert.equal((await read([{ path: file('log', 'a\nb\nc'), prefix: '' }], { tail: 2 })).toString(), 'b\nc');
    assert.equal((await read([{ path: file('log', '\n\n'), prefix: '' }], { tail: 1 })).toString(), '\n');
    assert.equal((await read([{ path: file('log', 'x'), prefix: '' }], { tail: 1 })).toString(), 'x');
    assert.equal((await read([{ path: file('log', ''), prefix: '' }], { tail: 1 })).toString(), '');
  });

  it('skips the hole at the front of a log, and not the NUL bytes that a program wrote', async () => {
    const lines = numbered(0, 5000);
    const hole = 4001 * 8;
    const first = Date.now() + 1000;
    const second = first + 1000;
    const path = file('log', lines, `start ${hole}\n8 ${first}\n${4500 * 8} ${second}\n`);
    punch(path, hole);
    const kept = lines.slice(hole);
    assert.equal((await read([{ path, prefix: '' }])).toString(), kept);
    assert.equal((await read([{ path, prefix: '' }], { tail: 3 })).toString(), numbered(4997, 5000));
    assert.equal((await read([{ path, prefix: '' }], { tail: 4999 })).toString(), kept);
    assert.equal((await read([{ path, prefix: '' }], { sinceMs: first })).toString(), kept);
    assert.equal((await read([{ path, prefix: '' }], { sinceMs: second })).toString(), numbered(4500, 5000));
    assert.equal((await read([{ path, prefix: '' }], { untilMs: second })).toString(), numbered(4001, 4500));
    assert.equal((await read([{ path, prefix: '' }], { untilMs: first })).toString(), '');
    assert.equal((await read([{ path, prefix: '', from: 8 }])).toString(), kept);
    assert.deepEqual(lastLines(path, 4, 8), numbered(4996, 5000).trim().split('\n'));
    const matches = (pattern: string): boolean => new LineMatcher(path, 0, pattern).look();
    assert.deepEqual([matches('^0004001$'), matches('^0004000$'), matches('\0')], [true, false, false]);
    const binary = Buffer.from('\0\0\0abc\n');
    assert.deepEqual(await read([{ path: file('binary', binary), prefix: '' }]), binary);
  });

  it('reads a log that was emptied behind the back of its index', async () => {
    const path = file('log', 'new\n', 'start 4096\n4096 1000\n');
    assert.equal((await read([{ path, prefix: '' }])).toString(), 'new\n');
    assert.deepEqual(lastLines(path, 4, 4096), ['new']);
    assert.equal((await read([{ path, prefix: '', from: 4096 }])).toString(), 'new\n');
  });

  it('reads all of a log that was emptied and has grown beyond its size again behind the back of its index', async () => {
    const path = file('log', numbered(0, 2000), 'start 4096\n4096 1000\n');
    assert.equal((await read([{ path, prefix: '' }])).toString(), numbered(0, 2000));
    assert.equal((await read([{ path, prefix: '' }], { tail: 1999 })).toString(), numbered(1, 2000));
  });

  it('ends when the log is emptied while it is read', async () => {
    const path = file('log', numbered(0, 400_000));
    const collector = new Collector();
    const sink = async (bytes: Uint8Array): Promise<void> => {
      truncateSync(path, 0);
      await collector.sink(bytes);
    };
    for (const prefix of ['p ', '']) {
      await new LogReader([{ path, prefix }], { follow: false, timestamps: prefix !== '' }, sink).run();
    }
    assert.equal(collector.bytes.at(-1), 10);
  });

  it('gives no byte of a hole that is punched while it reads, and no line that is torn', async () => {
    const path = file('log', numbered(0, 300_000));
    const sources = [{ path, prefix: 'p ' }];
    const collector = new Collector();
    let drop = 0;
    // Between the reader's looks: more and more of what it is about to read.
    const sink = async (bytes: Uint8Array): Promise<void> => {
      drop += 150_000;
      const start = Math.min(drop, 299_000) * 8;
      writeFileSync(`${path}.index`, `start ${start}\n`);
      punch(path, start);
      await collector.sink(bytes);
    };
    await new LogReader(sources, { follow: false, timestamps: false }, sink).run();
    const numbers = collector.bytes.toString().split('\n').slice(0, -1).map(numberOf);
    assert.equal(numbers.at(-1), 299_999);
    assert.ok(numbers.length < 300_000, 'nothing was dropped');
    assert.ok(numbers.every((each, index) => index === 0 || each > (numbers[index - 1] ?? 0)));
  });

  it('ends the line that was begun when its rest is dropped', async () => {
    const path = file('log', `${'x'.repeat(3 << 20)}\nlast\n`);
    const collector = new Collector();
    const sink = async (bytes: Uint8Array): Promise<void> => {
      writeFileSync(`${path}.index`, `start ${(3 << 20) + 1}\n`);
      await collector.sink(bytes);
    };
    await new LogReader([{ path, prefix: 'p ' }], { follow: false, timestamps: false }, sink).run();
    assert.match(collector.bytes.toString(), /^p x+\np last\n$/);
  });

  it('finds the end of a hole without reading through it', async () => {
    const path = file('log', '', `start ${2 ** 40}\n`);
    truncateSync(path, 2 ** 40);
    appendFileSync(path, 'after\n');
    assert.equal((await read([{ path, prefix: '' }])).toString(), 'after\n');
  });

  it('merges several logs by time', async () => {
    const web = file('web', 'w1\nw2\nw3\n', '0 1000\n3 3000\n6 5000\n');
    const db = file('db', 'd1\nd2\n', '0 2000\n3 4000\n');
    const sources = [
      { path: web, prefix: 'web | ' },
      { path: db, prefix: 'db  | ' },
    ];
    assert.equal((await read(sources)).toString(), 'web | w1\ndb  | d1\nweb | w2\ndb  | d2\nweb | w3\n');
  });

  it('gives a line the time of the last entry at or before its first byte', async () => {
    const path = file('log', 'aaa\nbbb\nccc\n', '0 1000\n6 2000\n8 3000\n');
    assert.equal(
      (await read([{ path, prefix: 'p ' }], { timestamps: true })).toString(),
      'p 1970-01-01T00:00:01.000Z aaa\np 1970-01-01T00:00:01.000Z bbb\np 1970-01-01T00:00:03.000Z ccc\n',
    );
  });

  it('gives a file without index the time of its birth', async () => {
    const path = file('log', 'a\n');
    utimesSync(path, new Date(), new Date());
    const { birthtimeMs, mtimeMs } = statSync(path);
    const time = new Date(birthtimeMs > 0 ? birthtimeMs : mtimeMs).toISOString();
    assert.equal((await read([{ path, prefix: '' }], { timestamps: true })).toString(), `${time} a\n`);
  });

  it('leaves out what was written before --since', async () => {
    const path = file('log', 'aaa\nbbb\nccc\n', '0 1000\n4 2000\n8 3000\n');
    utimesSync(path, 1, 1);
    const later = Date.now() + 1e6;
    writeFileSync(`${path}.index`, `0 ${later}\n4 ${later + 1000}\n8 ${later + 2000}\n`);
    const since = async (sinceMs: number) => (await read([{ path, prefix: '' }], { sinceMs })).toString();
    assert.equal(await since(later), 'aaa\nbbb\nccc\n');
    assert.equal(await since(later + 1), 'bbb\nccc\n');
    assert.equal(await since(later + 2000), 'ccc\n');
    assert.equal(await since(later + 2001), '');
  });

  it('makes lines into JSON, the last one too', async () => {
    const path = file('log', 'a"b\nc', '0 1000\n');
    const encode = (line: string, timeMs: number) => JSON.stringify({ line, timeMs });
    assert.equal(
      (await read([{ path, prefix: '', encode }])).toString(),
      '{"line":"a\\"b","timeMs":1000}\n{"line":"c","timeMs":1000}\n',
    );
  });

  it('takes a log that is not there as empty', async () => {
    assert.equal((await read([{ path: at('none', 'log'), prefix: '' }])).toString(), '');
  });
});
