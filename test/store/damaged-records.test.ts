import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VolumeSpec } from '../../src/model/container.ts';
import { Records } from '../../src/store/records.ts';
import { damagedBytes, fuzzRuns } from '../helpers/fuzz.ts';

const volume = (key: string): VolumeSpec => ({
  stack: 's',
  key,
  name: `s_${key}`,
  driver: 'local',
  driverOptions: {},
  labels: { text: 'x'.repeat(200) },
});

function withRecords(body: (path: string) => void): void {
  const directory = mkdtempSync(`${tmpdir()}/records-`);
  try {
    const path = `${directory}/records.db`;
    const { records } = Records.open(path);
    for (let index = 0; index < 40; index += 1) records.volumes.put(volume(`v${index}`));
    records.addEvent({ timeMs: 5, stack: 's', address: 'service.web[1]' as never, event: 'start' });
    records.close();
    body(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Changes the file with SQLite itself, as a bit that flips in a document would. */
function alter(path: string, sql: string): void {
  const sqlite = new DatabaseSync(path);
  sqlite.exec(sql);
  sqlite.close();
}

test('records with a document that is no JSON, or that is of another thing, are set aside and begun anew', () => {
  for (const document of ['\'{"stack": \'', "replace(document, 's_v3', 's_v4')", "'null'"]) {
    withRecords((path) => {
      alter(path, `UPDATE volumes SET document = ${document} WHERE name = 's_v3'`);
      const { records, setAside } = Records.open(path);
      assert.equal(setAside, `${path}.damaged`);
      assert.ok(existsSync(setAside));
      assert.equal(records.volumes.size, 0);
      records.volumes.put(volume('new'));
      records.close();
      const again = Records.open(path);
      assert.deepEqual([again.setAside, again.records.volumes.size], [undefined, 1]);
      again.records.close();
    });
  }
});

test('a damaged event is left out', () =>
  withRecords((path) => {
    alter(path, `INSERT INTO events (time, stack, document) VALUES (6, 's', '{')`);
    const { records, setAside } = Records.open(path);
    assert.deepEqual([setAside, records.events('s', 0).length], [undefined, 1]);
    records.close();
  }));

test('whatever bytes the file of records has, it is opened: as it was, or set aside', () =>
  withRecords((path) => {
    const whole = readFileSync(path);
    fc.assert(
      fc.property(damagedBytes([whole]), (bytes) => {
        rmSync(`${path}.damaged`, { force: true });
        writeFileSync(path, bytes);
        const { records, setAside } = Records.open(path);
        assert.equal(existsSync(`${path}.damaged`), setAside !== undefined);
        for (const each of records.volumes.all()) assert.match(each.name, /^s_/);
        try {
          records.volumes.put(volume('new'));
          records.close();
        } catch (error) {
          // A page that is read only now: the next daemon sets the file aside.
          assert.match(String(error), /malformed|not a database/);
        }
      }),
      fuzzRuns(40),
    );
  }));
