import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { daemonPid } from '../helpers/daemon.ts';
import { e2e } from '../helpers/e2e.ts';
import { addressOf, stackOf } from '../helpers/measure.ts';

const ROUNDS = 6;

e2e('what is cut, shaped or healed while the daemon is killed is whole after the next up, or not at all', async (project) => {
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

  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const words of changes) {
      const pid = await daemonPid();
      const change = project.tsstack(['net', ...words]);
      await sleep(undisturbedMs * (0.5 + (0.6 * round) / ROUNDS));
      process.kill(pid, 'SIGKILL');
      seen.add(`${words[0]} ${(await change).status === 0}`);
      await project.expect(0, 'up', '-d');
      await project.expect(0, 'plan', '--check');
      const isCut = /web-1 .*db-1/.test(await project.expect(0, 'net'));
      assert.equal(await answers(), !isCut, `${words.join(' ')} in round ${round}: ${isCut ? '' : 'not '}cut`);
    }
  }
  assert.ok(seen.size > 3, `what a kill interrupts, and what it does not: ${[...seen].join(', ')}`);
  await project.expect(0, 'net', 'heal');
  assert.ok(await answers());
  assert.doesNotMatch(spawnSync('nft', ['list', 'tables']).stdout.toString(), /cut/);
  assert.doesNotMatch(await project.expect(0, 'net'), /by hand/);
});
