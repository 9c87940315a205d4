import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { removeStaleStaging } from '../../src/image/staging.ts';
import { stagingRoot } from '../../src/image/store-layout.ts';
import { withDirectory } from '../helpers/image-builder.ts';
import { until } from '../helpers/run.ts';

test('removeStaleStaging() removes what ended processes have left, and leaves what living ones work in', () =>
  withDirectory(async (directory) => {
    const paths = { state: directory, run: directory };
    await removeStaleStaging(paths);
    // It never asks after its child, which stays a zombie; the shell that it was would have.
    const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [zombie] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
      await until('the shell to be another program', () =>
        readFileSync(`/proc/${parent.pid}/comm`, 'utf8').startsWith('sleep'),
      );
      process.kill(Number(zombie), 'SIGKILL');
      await until('the child to end', () => /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${zombie.trim()}/stat`, 'utf8')));
      for (const pid of [zombie.trim(), '999999999', process.pid]) {
        mkdirSync(`${stagingRoot(paths)}/${pid}-left`, { recursive: true });
      }
      mkdirSync(`${stagingRoot(paths)}/${parent.pid}-used`);
      await removeStaleStaging(paths);
      assert.deepEqual(readdirSync(stagingRoot(paths)), [`${parent.pid}-used`]);
    } finally {
      parent.kill('SIGKILL');
    }
  }));
