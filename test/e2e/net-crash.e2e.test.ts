import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { daemonPid } from '../helpers/daemon.ts';
import { e2e } from '../helpers/e2e.ts';
import { addressOf, stackOf } from '../helpers/measure.ts';
import { run } from '../helpers/run.ts';

const ROUNDS = 4;
/** So that the kill comes between what is recorded and what the kernel has. */
const SLOW = (program: string) => `#!/bin/sh\nsleep 0.1\nPATH=\${PATH#*:} exec ${program} "$@"\n`;

e2e(
  'what is cut, shaped or healed while the daemon is killed is whole after the next up, or not at all',
  async (project) => {
    const slow = join(project.scratch, 'slow');
    mkdirSync(slow);
    for (const program of ['nft', 'tc']) {
      project.write(SLOW(program), `slow/${program}`);
      chmodSync(join(slow, program), 0o755);
    }
    project.env['PATH'] = `${slow}:${process.env['PATH']}`;
    project.write(stackOf());
    await project.expect(0, 'up', '-d');
    const address = await addressOf(project, 'web');
    const answers = async () => {
      const { status } = await project.tsstack(['exec', '-T', 'db', 'busybox', 'nc', '-w', '1', address, '7002']);
      return status === 0;
    };
    const changes = [
      ['cut', 'web', 'db'],
      ['shape', 'web', '--rate', '2mbit'],
      ['heal', 'web', 'db'],
      ['shape', 'web', '--off'],
    ];
    const began = performance.now();
    for (const words of changes) await project.expect(0, 'net', ...words);
    const undisturbedMs = (performance.now() - began) / changes.length;

    let interrupted = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const words of changes) {
        const pid = await daemonPid();
        let isDone = false;
        const change = project.tsstack(['net', ...words]).then(() => {
          isDone = true;
        });
        // The first half of it is the client's own start.
        await sleep(undisturbedMs * (0.5 + (0.5 * round) / ROUNDS));
        process.kill(pid, 'SIGKILL');
        // One of them may have ended by now.
        spawnSync('kill', ['-KILL', ...(await begun(slow))]);
        if (!isDone) interrupted += 1;
        await change;
        await project.expect(0, 'up', '-d');
        await project.expect(0, 'plan', '--check');
        const isCut = /web-1 .*db-1/.test(await project.expect(0, 'net'));
        assert.equal(await answers(), !isCut, `${words.join(' ')} in round ${round}: ${isCut ? '' : 'not '}cut`);
      }
    }
    assert.ok(interrupted >= ROUNDS, `${interrupted} interrupted`);
    await project.expect(0, 'net', 'heal');
    assert.ok(await answers());
    assert.doesNotMatch(spawnSync('nft', ['list', 'tables']).stdout.toString(), /cut/);
    assert.doesNotMatch(await project.expect(0, 'net'), /by hand/);
  },
);

/** What was started in a directory. */
async function begun(directory: string): Promise<readonly string[]> {
  const { stdout } = await run(['ps', '-eo', 'pid=,args=']);
  const lines = stdout.split('\n').filter((line) => line.includes(`/bin/sh ${directory}/`));
  return lines.map((line) => line.trim().split(' ')[0] ?? '');
}
