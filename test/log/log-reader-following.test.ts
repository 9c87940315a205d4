import assert from 'node:assert/strict';
import { appendFileSync, closeSync, openSync, renameSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { LogReader } from '../../src/log/log-reader.ts';
import { Collector, numbered, punch, useLogs } from './log-files.ts';

const { at, file } = useLogs();

describe('LogReader following', () => {
  function follow(path: string, prefix: string) {
    const collector = new Collector();
    const reader = new LogReader([{ path, prefix }], { follow: true, timestamps: false }, collector.sink);
    const reading = reader.run();
    const expect = async (text: string) => {
      await collector.until(text);
      assert.equal(collector.bytes.toString(), text);
    };
    const finish = async () => {
      reader.finish();
      await reading;
      return collector.bytes.toString();
    };
    return { expect, finish };
  }

  it('shows what is written, lines whole', async () => {
    const path = file('log', 'one\n');
    const { expect, finish } = follow(path, 'p ');
    await expect('p one\n');
    appendFileSync(path, 'tw');
    appendFileSync(path, 'o\nthr');
    await expect('p one\np two\n');
    appendFileSync(path, 'ee\n');
    await expect('p one\np two\np three\n');
    appendFileSync(path, 'end');
    assert.equal(await finish(), 'p one\np two\np three\np end\n');
  });

  it('shows the beginning of a line at once where there is no prefix', async () => {
    const path = file('log', '');
    const { expect, finish } = follow(path, '');
    appendFileSync(path, 'Password: ');
    await expect('Password: ');
    assert.equal(await finish(), 'Password: ');
  });

  it('waits for a log that is not there yet', async () => {
    const path = at('log');
    const { expect, finish } = follow(path, 'p ');
    appendFileSync(path, 'first\n');
    await expect('p first\n');
    await finish();
  });

  it('starts over when the log was emptied', async () => {
    const path = file('log', 'a long first line\n');
    const { expect, finish } = follow(path, '');
    await expect('a long first line\n');
    truncateSync(path, 0);
    appendFileSync(path, 'new\n');
    await expect('a long first line\nnew\n');
    await finish();
  });

  it('starts over when the log was emptied and has grown beyond its size before anybody looked', async () => {
    const path = file('log', 'one\ntwo, with');
    const { expect, finish } = follow(path, '');
    await expect('one\ntwo, with');
    const more = numbered(0, 100);
    writeFileSync(path, more);
    await expect(`one\ntwo, with\n${more}`);
    appendFileSync(path, 'next\n');
    await expect(`one\ntwo, with\n${more}next\n`);
    await finish();
  });

  it('shows every line once of a log that is emptied again and again', async () => {
    const path = file('log', '');
    const { expect, finish } = follow(path, 'p ');
    let wanted = '';
    for (let round = 0; round < 50; round += 1) {
      const lines = numbered(round * 100, round * 100 + 1 + ((round * 37) % 90));
      writeFileSync(path, lines);
      wanted += lines.replaceAll(/^/gm, 'p ').slice(0, -2);
      await expect(wanted);
    }
    await finish();
  });

  it('takes neither a hole nor what is written over in its midst for an emptied log', async () => {
    const lines = numbered(0, 2000);
    const path = file('log', lines);
    const { expect, finish } = follow(path, '');
    await expect(lines);
    writeFileSync(`${path}.index`, 'start 16000\n');
    punch(path, 16_000);
    appendFileSync(path, 'more\n');
    await expect(`${lines}more\n`);
    const midst = file('midst', lines);
    const other = follow(midst, '');
    await other.expect(lines);
    const fd = openSync(midst, 'r+');
    writeSync(fd, 'x'.repeat(80), 15_000);
    writeSync(fd, 'x'.repeat(400), 15_600);
    closeSync(fd);
    appendFileSync(midst, 'more\n');
    await other.expect(`${lines}more\n`);
    await finish();
    await other.finish();
  });

  it('goes over to a file that takes the place of the log, after the last lines of the old one', async () => {
    const path = file('log', 'old\n');
    const { expect, finish } = follow(path, '');
    await expect('old\n');
    file('next', 'a new file that is longer than the old one\n');
    renameSync(at('next'), path);
    await expect('old\na new file that is longer than the old one\n');
    await finish();
  });

  it('has read all that was written before finish() was called', async () => {
    const path = file('log', '');
    const { finish } = follow(path, 'p ');
    appendFileSync(path, 'x\n'.repeat(100_000));
    assert.equal((await finish()).length, 400_000);
  });
});
