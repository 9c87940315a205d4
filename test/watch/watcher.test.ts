import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FileChange, FileWatcher } from '../../src/watch/watcher.ts';
import { until } from '../helpers/run.ts';

interface Watch {
  readonly directory: string;
  readonly watcher: FileWatcher;
  readonly batches: (readonly FileChange[])[];
  readonly errors: unknown[];
  /** Waits until a change of this file has been told, and gives it. */
  readonly told: (name: string) => Promise<FileChange>;
}

async function watching(
  body: (watch: Watch) => Promise<void>,
  changed: (batch: readonly FileChange[]) => Promise<void> = async () => undefined,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'watch-'));
  const batches: (readonly FileChange[])[] = [];
  const errors: unknown[] = [];
  const watcher = new FileWatcher({
    changed: async (batch) => {
      batches.push(batch);
      await changed(batch);
    },
    failed: (error) => errors.push(error),
  });
  const told = (name: string): Promise<FileChange> =>
    until(`a change of ${name}`, () => batches.flat().findLast(({ path }) => path === join(directory, name)));
  try {
    await body({ directory, watcher, batches, errors, told });
  } finally {
    await watcher.close();
    await watcher.close();
    rmSync(directory, { recursive: true });
  }
}

/** Writes files and returns when a second watcher has told them, so that the first must know of them. */
function tellsAnother(directory: string, names: readonly string[]): Promise<void> {
  return watching(async (other) => {
    await other.watcher.follow([directory]);
    for (const name of names) writeFileSync(join(directory, name), '');
    for (const name of names) appendFileSync(join(directory, name), 'x');
    await until('all', () => new Set(other.batches.flat().map(({ path }) => path)).size === names.length);
  });
}

test('what was there at first is not told; what is made, changed, replaced and removed is', () =>
  watching(async ({ directory, watcher, batches, told }) => {
    for (const name of ['old', 'edited', 'gone']) writeFileSync(join(directory, name), '');
    await watcher.follow([directory]);
    writeFileSync(join(directory, 'made'), '');
    assert.equal((await told('made')).removed, false);
    appendFileSync(join(directory, 'edited'), 'x');
    assert.equal((await told('edited')).removed, false);
    unlinkSync(join(directory, 'gone'));
    assert.equal((await told('gone')).removed, true);
    // As editors save.
    writeFileSync(join(directory, 'old.tmp'), 'new');
    renameSync(join(directory, 'old.tmp'), join(directory, 'old'));
    assert.equal((await told('old')).removed, false);
    assert.equal(
      batches.flat().some(({ path }) => path === directory),
      false,
    );
  }));

test('what changes while a call is under way comes with the next, each file once', () => {
  const first = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let calls = 0;
  let atOnce = 0;
  const changed = async (): Promise<void> => {
    calls += 1;
    atOnce += 1;
    assert.equal(atOnce, 1);
    first.resolve();
    if (calls === 1) await release.promise;
    atOnce -= 1;
  };
  return watching(async ({ directory, watcher, batches, told }) => {
    await watcher.follow([directory]);
    writeFileSync(join(directory, 'a'), '');
    await first.promise;
    await tellsAnother(directory, ['b', 'c']);
    release.resolve();
    await told('b');
    await told('c');
    const later = batches.slice(1).map((batch) => batch.map(({ path }) => path));
    for (const batch of later) assert.equal(new Set(batch).size, batch.length);
  }, changed);
});

test('follow() goes to other paths without losing a change that comes meanwhile', () =>
  watching(async ({ directory, watcher, told }) => {
    for (const name of ['one', 'two']) mkdirSync(join(directory, name));
    await watcher.follow([join(directory, 'one')]);
    const following = watcher.follow([join(directory, 'two'), join(directory, 'one/kept')]);
    writeFileSync(join(directory, 'one/kept'), '');
    await following;
    await told('one/kept');
    writeFileSync(join(directory, 'two/file'), '');
    await told('two/file');
    await watcher.follow([join(directory, 'one/kept'), join(directory, 'two')]);
    writeFileSync(join(directory, 'two/again'), '');
    await told('two/again');
  }));

test('a path that is not there yet is told when it comes', () =>
  watching(async ({ directory, watcher, told }) => {
    await watcher.follow([join(directory, 'later.yaml')]);
    writeFileSync(join(directory, 'later.yaml'), '');
    await told('later.yaml');
  }));

test('a path that cannot be watched is reported, and the others are watched', () =>
  watching(async ({ directory, watcher, errors, told }) => {
    await watcher.follow([join(directory, 'x'.repeat(300)), directory]);
    assert.equal((errors[0] as { code?: string }).code, 'ENAMETOOLONG');
    writeFileSync(join(directory, 'file'), '');
    await told('file');
  }));

test('close() waits for a call that is under way, and none comes after it', () => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let ended = false;
  const changed = async (): Promise<void> => {
    started.resolve();
    await release.promise;
    // Longer than the watchers themselves take to close.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    ended = true;
  };
  return watching(async ({ directory, watcher, batches }) => {
    await watcher.follow([directory]);
    writeFileSync(join(directory, 'a'), '');
    await started.promise;
    await tellsAnother(directory, ['b']);
    const closed = watcher.close().then(() => assert.equal(ended, true));
    release.resolve();
    await closed;
    assert.equal(batches.length, 1);
  }, changed);
});
