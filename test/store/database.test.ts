import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VolumeSpec } from '../../src/model/container.ts';
import { Database } from '../../src/store/database.ts';
import { Records } from '../../src/store/records.ts';

const VOLUME: VolumeSpec = { stack: 's', key: 'data', name: 's_data', driver: 'local', driverOptions: {}, labels: {} };

function withDirectory(run: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'store-'));
  try {
    run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('records are there again after the process that wrote them was gone', () => {
  withDirectory((directory) => {
    const path = join(directory, 'records.db');
    const first = new Records(Database.open(path).database);
    first.volumes.put(VOLUME);
    first.addEvent({ timeMs: 5, stack: 's', address: 'service.web[1]' as never, event: 'start' });
    first.close();
    const second = new Records(Database.open(path).database);
    assert.deepEqual(second.volumes.all(), [VOLUME]);
    assert.equal(second.events('s', 0).length, 1);
    assert.equal(second.events('s', 6).length, 0);
    second.close();
  });
});

test('a second process cannot open the records, and can when the first was killed', () => {
  withDirectory((directory) => {
    const path = join(directory, 'records.db');
    const module = join(import.meta.dirname, '../../src/store/database.ts');
    const open = `import(${JSON.stringify(module)}).then(({ Database }) => { Database.open(${JSON.stringify(path)}); `;
    const run = (code: string) => spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
    const { database } = Database.open(path);
    assert.match(run(`${open} }).catch((error) => console.log(error.name))`).stdout, /DatabaseLockedError/);
    database.close();
    assert.equal(run(`${open} process.kill(process.pid, 'SIGKILL') })`).signal, 'SIGKILL');
    Database.open(path).database.close();
  });
});

test('a damaged file is set aside and a new one begun', () => {
  withDirectory((directory) => {
    const path = join(directory, 'records.db');
    writeFileSync(path, Buffer.alloc(8192, 0x55));
    const { database, setAside } = Database.open(path);
    assert.equal(setAside, `${path}.damaged`);
    assert.equal(existsSync(`${path}.damaged`), true);
    assert.deepEqual(database.load('containers'), []);
    database.close();
  });
});

test('a file that cannot be opened, and may be whole, is left where it is', () => {
  withDirectory((directory) => {
    const path = join(directory, 'records.db');
    mkdirSync(path);
    assert.throws(() => Database.open(path), /unable to open/);
    assert.equal(existsSync(`${path}.damaged`), false);
  });
});

test('records in memory make no file', () => {
  withDirectory((directory) => {
    const module = join(import.meta.dirname, '../../src/store/database.ts');
    const code = `import(${JSON.stringify(module)}).then(({ Database }) => Database.open(':memory:').database.close())`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', code], { cwd: directory, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(directory), []);
  });
});

test('records are for their owner alone, also those that an older version has made', () => {
  withDirectory((directory) => {
    const path = join(directory, 'records.db');
    const modes = (): readonly number[] =>
      readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o777);
    writeFileSync(path, '', { mode: 0o644 });
    for (const round of ['old', 'new']) {
      const records = new Records(Database.open(path).database);
      records.volumes.put(VOLUME);
      assert.deepEqual(new Set(modes()), new Set([0o600]), round);
      assert.ok(modes().length > 1, 'the log beside it');
      records.close();
      rmSync(path);
    }
  });
});
