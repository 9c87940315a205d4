import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fieldPolicies } from '../../src/planner/diff.ts';
import { e2e, freePort, type Project } from '../helpers/e2e.ts';
import { replacements } from './replacement-rows.ts';
import type { Row } from './update-looks.ts';
import { updatesInPlace } from './update-rows.ts';

const TOP = `
networks: {side: {ipam: {config: [{subnet: 10.213.7.0/24}]}}}
configs: {one: {content: one}, two: {content: two}}
`;

/** Every row is a service; `at` 0 is before the change, 1 after it. */
function stackOf(project: Project, rows: readonly Row[], at: 0 | 1): string {
  const services = rows.map(({ keys }, index) => {
    const own = keys[at].replaceAll(/\bNAME\b/g, project.name);
    const command = /^command:/m.test(own) ? [] : ['command: [sleep, infinity]'];
    return `  ${serviceOf(index)}:\n${[...command, own].join('\n').replaceAll(/^/gm, '    ')}\n`;
  });
  return `services:\n  base: {command: [sleep, infinity]}\n${services.join('')}${TOP}`;
}

function serviceOf(index: number): string {
  return `row${String(index).padStart(2, '0')}`;
}

/** Files that the rows speak of. */
function prepare(project: Project): void {
  for (const word of ['one', 'two']) {
    project.write(`FROM_FILE=${word}\n`, `${word}.env`);
    project.write(`a=file${word === 'one' ? 1 : 2}\n`, `${word}.label`);
    const root = join(project.scratch, word);
    mkdirSync(join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'which'), word);
    execFileSync('cp', ['/bin/busybox', join(root, 'bin/sleep')]);
    execFileSync('tar', ['-cf', join(project.scratch, `${word}.tar`), '-C', root, '.']);
  }
  execFileSync('cp', [join(project.scratch, 'one.tar'), join(project.scratch, 'copy.tar')]);
}

async function assertRows(project: Project, rows: readonly Row[], at: 0 | 1): Promise<readonly (number | undefined)[]> {
  const containers = new Map((await project.ps()).map((each) => [each.service, each]));
  const pids = rows.map((_, index) => containers.get(serviceOf(index))?.pid);
  await Promise.all(
    rows.map(async ({ field, keys, look, shows }, index) => {
      const pid = pids[index];
      assert.ok(pid !== undefined, `${field} runs: ${keys[at]}`);
      const shown = await look({ project, service: serviceOf(index), pid });
      const wanted = shows[at];
      const message = `${field}: ${keys[at]}`;
      if (shown.startsWith('v2 ')) seen.add(`${project.name} ${index} ${shown}`);
      else if (typeof wanted === 'string') assert.equal(shown, wanted, message);
      else assert.match(shown, wanted, message);
    }),
  );
  return pids;
}

/** Under cgroup v2: what was shown by which row. It must change. */
const seen = new Set<string>();

/** One `up` with every row before its change, one with every row after it: each process is the same, or another. */
async function changeAll(project: Project, rows: readonly Row[], stays: boolean): Promise<void> {
  prepare(project);
  project.write(stackOf(project, rows, 0));
  await project.expect(0, 'up', '-d');
  const before = await assertRows(project, rows, 0);
  const shown = seen.size;

  project.write(stackOf(project, rows, 1));
  const plan = await project.expect(3, 'plan', '--check');
  for (const [index, { field }] of rows.entries()) {
    const line = new RegExp(`^ *(\\S) service\\.${serviceOf(index)}\\[1\\]`, 'm').exec(plan);
    assert.equal(line?.[1], stays ? '~' : '±', `${field}\n${plan}`);
  }
  await project.expect(0, 'up', '-d');
  const after = await assertRows(project, rows, 1);
  for (const [index, { field, keys }] of rows.entries()) {
    assert.equal(before[index] === after[index], stays, `process of ${field}: ${keys.join(' → ')}`);
  }
  assert.equal(seen.size, 2 * shown);
  await project.expect(0, 'plan', '--check');
}

const needs = ['nsenter', 'tar', 'ip', '/bin/busybox', '/dev/vda', '/usr/bin/tini-static'];

e2e(
  'what docs/plan.md says is changed in place is, while the process goes on',
  async (project) => {
    await changeAll(project, updatesInPlace([await freePort(), await freePort()]), true);
  },
  { needs },
);

e2e(
  'what docs/plan.md says is replaced has another process with the new value',
  (project) => changeAll(project, replacements(), false),
  { needs },
);

test('every field of a container has a row above that changes it', () => {
  const tried = { update: updatesInPlace([1, 2]), replace: replacements() };
  for (const [field, policy] of fieldPolicies().container) {
    if (policy !== 'update' && policy !== 'replace') continue;
    assert.ok(
      tried[policy].some((row) => row.field === field),
      `${field}: ${policy}`,
    );
  }
});
