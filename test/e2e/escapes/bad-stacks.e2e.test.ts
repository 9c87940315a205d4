import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TSSTACK } from '../../helpers/client.ts';
import { e2e, type Project, SHARED } from '../../helpers/e2e.ts';
import { run } from '../../helpers/run.ts';

const DIRECTORY = join(SHARED, 'security/bad-yaml');
const EXPECTED = join(DIRECTORY, 'expected.json');
/** Asked at a time: a client is a process of Node. */
const WIDTH = 4;
const LONGEST_MESSAGE = 4096;
const MEMORY_MIB = 300;
/** A name may be printed; what moves a cursor or hides text may not. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

interface Case {
  readonly expect: 'ok' | 'error';
  readonly or_expect?: 'ok';
}

e2e(
  'plan answers every bad stack file with a message and nothing else: no output, no trace, no control characters',
  async (project) => {
    const { cases }: { cases: Readonly<Record<string, Case>> } = JSON.parse(readFileSync(EXPECTED, 'utf8'));
    const names = readdirSync(DIRECTORY).filter((name) => name !== 'expected.json');
    const before = treeOf(DIRECTORY);
    const wrong: string[] = [];
    for (let index = 0; index < names.length; index += WIDTH) {
      const group = names.slice(index, index + WIDTH);
      for (const complaint of await Promise.all(group.map((name) => look(project, name, cases[name])))) {
        if (complaint !== undefined) wrong.push(complaint);
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(treeOf(DIRECTORY), before, 'nothing is written beside them');
    assert.equal((await project.ps()).length, 0);
  },
  { needs: [EXPECTED] },
);

/** What is wrong with the answer to a file; undefined: nothing. */
async function look(project: Project, name: string, expected: Case | undefined): Promise<string | undefined> {
  const time = existsSync('/usr/bin/time') ? ['/usr/bin/time', '-f', 'maxrss %M'] : [];
  const argv = [...time, TSSTACK, '-f', join(DIRECTORY, name), 'plan'];
  const { status, stdout, stderr } = await run(argv, { cwd: project.scratch, timeoutMs: 30_000 });
  const memory = Number(/^maxrss (\d+)$/m.exec(stderr)?.[1] ?? 0) / 1024;
  const message = stderr.replace(/^(Command exited .*\n)?maxrss .*\n/m, '');
  const said = (what: string) =>
    `${name}: ${what}: status ${status}\n${stdout.slice(0, 300)}\n${message.slice(0, 600)}`;
  if (status === null) return said('it hangs');
  if (memory > MEMORY_MIB) return said(`${memory} MiB`);
  if (CONTROL.test(message + stdout)) return said('control characters');
  if (/^ +at .*:\d+:\d+\)?$/m.test(message)) return said('a stack trace');
  if (status === 0) return expected?.expect === 'ok' || expected?.or_expect === 'ok' ? undefined : said('it is taken');
  if (status !== 1 && status !== 2) return said('another status');
  if (stdout !== '') return said('output');
  if (message.length >= LONGEST_MESSAGE) return said(`${message.length} bytes of message`);
  return message === '' ? said('no message') : undefined;
}

function treeOf(directory: string): readonly string[] {
  return readdirSync(directory).map((name) => `${name} ${statSync(join(directory, name)).mtimeMs}`);
}
