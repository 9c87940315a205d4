import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { startDaemon } from '../../src/cli/start-daemon.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tsstack-start-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** Starts `script` as a daemon, with `run` as its run directory. */
function start(script: string): Promise<void> {
  const entry = join(scratch, 'daemon.mjs');
  const head = "import { existsSync, rmSync, writeFileSync } from 'node:fs';";
  writeFileSync(entry, `${head}\nconst run = '${scratch}/run';\n${script}`);
  return startDaemon({ state: join(scratch, 'state'), run: join(scratch, 'run') }, entry);
}

test('a daemon that is ending and takes the run directory away is followed by a new one', async () => {
  await start(`
    import { createServer } from 'node:net';
    const marker = '${scratch}/tried';
    if (!existsSync(marker)) {
      writeFileSync(marker, '');
      rmSync(run, { recursive: true });
      process.exit(75);
    }
    createServer((socket) => { socket.end(); process.exit(); }).listen(run + '/daemon.sock');`);
});

test('what a daemon said that could not start is told, and that its log is gone is no error of its own', async () => {
  const failed = { code: 'daemon-unreachable', message: 'The daemon could not be started: it ended with 3\nno room' };
  await assert.rejects(start("console.error('no room'); process.exit(3);"), failed);
  const silent = { code: 'daemon-unreachable', message: 'The daemon could not be started: it ended with 3' };
  await assert.rejects(start('rmSync(run, { recursive: true }); process.exit(3);'), silent);
});
