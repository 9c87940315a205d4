import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RealHost } from '../../src/host/real-host.ts';
import { removeTrees } from '../../src/host/remove-batch.ts';
import { runCommand } from '../../src/host/run-command.ts';

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), '-remove '));
  try {
    await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const NOTHING = [undefined, undefined, undefined];

test('trees go whole, whatever bytes their names are, also where rm cannot be run', () =>
  inDirectory(async (directory) => {
    const runs: string[][] = [];
    for (const works of [true, false]) {
      const odd = Buffer.concat([Buffer.from(`${directory}/tree/-rf/`), Buffer.from([0xff, 0x41])]);
      mkdirSync(odd, { recursive: true });
      writeFileSync(Buffer.concat([odd, Buffer.from([0x2f, 0xfe])]), '');
      symlinkSync(directory, `${directory}/tree/link`);
      mkdirSync(`${directory}/other`);
      const paths = ['tree', 'other', 'absent'].map((name) => `${directory}/${name}`);
      const outcomes = await removeTrees(paths, (argv, options) => {
        runs.push([...argv]);
        return works ? runCommand(argv, options) : Promise.reject(new Error('no rm'));
      });
      assert.deepEqual(outcomes, NOTHING);
      assert.deepEqual(readdirSync(directory), []);
    }
    assert.deepEqual(
      runs.map((argv) => argv.length),
      [6, 6],
      'one process for all',
    );
  }));

test('where something is mounted nothing is removed, and all else is', () =>
  inDirectory(async (directory) => {
    mkdirSync(`${directory}/other/below`, { recursive: true });
    const [refused, other] = await removeTrees(['/proc', `${directory}/other`], runCommand);
    assert.match(String(refused), /Cannot remove \/proc: something is mounted on \/proc/);
    assert.equal(other, undefined);
    assert.deepEqual(readdirSync(directory), []);
  }));

test('a host removes a link and not what it leads to, and does not mind what is absent', () =>
  inDirectory(async (directory) => {
    mkdirSync(`${directory}/kept`);
    writeFileSync(`${directory}/kept/file`, '');
    symlinkSync('kept', `${directory}/link`);
    mkdirSync(`${directory}/tree/deep`, { recursive: true });
    symlinkSync('../../kept', `${directory}/tree/deep/link`);
    const host = new RealHost();
    for (const name of ['link', 'tree', 'tree', 'kept/file/below']) {
      await host.perform([{ op: 'remove', path: `${directory}/${name}` }]);
    }
    assert.deepEqual(readdirSync(directory), ['kept']);
    assert.deepEqual(readdirSync(`${directory}/kept`), ['file']);
  }));
