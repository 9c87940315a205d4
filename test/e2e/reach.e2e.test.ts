import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { e2e } from '../helpers/e2e.ts';
import { CONTAINERS, type Enter, tryReach } from '../helpers/reach.ts';

const EXPECTED = new URL('reach/tsstack.txt', import.meta.url).pathname;

e2e('who reaches whom, and as whom he is seen: every cell with real packets', async (project) => {
  const stack = readFileSync(new URL('reach/stack.yaml', import.meta.url), 'utf8');
  project.write(stack.replace(/^ {2}image: .*\n/m, ''));
  await project.expect(0, 'up', '-d');
  const pids = new Map<string, number>();
  for (const service of CONTAINERS) {
    const { pid } = await project.container(service);
    assert.ok(pid !== undefined, service);
    pids.set(service, pid);
  }
  const enter =
    (service: string): Enter =>
    (argv) => ['nsenter', '-t', String(pids.get(service)), '-n', '--', ...argv];
  const table = await tryReach({ host: (argv) => argv, container: enter });
  // UPDATE=1 writes it anew, to be read before it is committed.
  if (process.env['UPDATE'] === '1') writeFileSync(EXPECTED, table);
  assert.equal(table, readFileSync(EXPECTED, 'utf8'));
});
