import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { e2e } from '../../helpers/e2e.ts';
import { type Finished, run, until } from '../../helpers/run.ts';

const SOCKET = `${process.env['TSSTACK_RUN_DIR'] ?? '/run/tsstack'}/daemon.sock`;
const NUMBERS = Array.from({ length: 58 }, (_, index) => index + 3);
/** Commands at a time: a client is a process of Node. */
const WIDTH = 4;

e2e(
  'open descriptors of who starts the daemon lead no container out, as a working directory or otherwise (CVE-2024-21626)',
  async (project) => {
    project.write('a file of the host\n', 'marker');
    const marker = join(project.scratch, 'marker');
    const look = `readlink /proc/self/cwd; for up in . .. ../.. ../../.. ../../../../../..; do ls -d $up${marker} $up/${basename(marker)} $up/shadow; done 2>/dev/null; :`;
    const there = NUMBERS.map(
      (number) => `  at${number}:
    command: [sh, -c, ${JSON.stringify(look.replaceAll('$', '$$$$'))}]
    working_dir: /proc/self/fd/${number}
    network_mode: none
    profiles: [there]
`,
    );
    project.write(`services:
  web: { command: [sleep, infinity], stop_grace_period: 0s, network_mode: none }
${there.join('')}`);
    await until('no daemon to run', () => !existsSync(SOCKET));
    // Half of them are directories that most of the host lies below, half of them others.
    const opened = NUMBERS.map((number) => `exec ${number}<${number % 2 === 0 ? '/' : '/etc'}`).join('; ');
    const started = await run(['bash', '-c', `${opened}; exec "$@"`, 'bash', ...project.argv(['up', '-d'])], {
      cwd: project.scratch,
    });
    assert.equal(started.status, 0, started.stderr);

    const assertInside = (finished: Finished, what: string) => {
      const said = `${what}: ${finished.stdout}${finished.stderr}`;
      if (finished.status !== 0) {
        assert.match(finished.stderr, /working directory|not a directory|no such file/i, said);
        return;
      }
      assert.match(finished.stdout, /^\/[^\n]*\n$/, said);
      assert.doesNotMatch(finished.stdout, /unreachable|marker|shadow/, said);
    };
    const each = async (numbers: readonly number[], work: (number: number) => Promise<void>) => {
      for (let index = 0; index < numbers.length; index += WIDTH) {
        await Promise.all(numbers.slice(index, index + WIDTH).map(work));
      }
    };
    const inside = async (args: readonly string[]) => assertInside(await project.tsstack(args), args.join(' '));
    await each(NUMBERS, (number) => inside(['exec', '-w', `/proc/self/fd/${number}`, 'web', 'sh', '-c', look]));
    await each([3, 4, 9, 60], (number) =>
      inside(['run', '--rm', '-w', `/proc/self/fd/${number}`, 'web', 'sh', '-c', look]),
    );
    await project.expect(0, '--profile', 'there', 'create');
    await each(NUMBERS, async (number) => {
      const service = `at${number}`;
      const { status, stderr } = await project.tsstack(['start', service]);
      if (status === 0) await project.exited(service);
      assertInside({ status, stderr, stdout: status === 0 ? await project.logs(service) : '' }, service);
    });

    const open = await project.expect(
      0,
      'exec',
      'web',
      'sh',
      '-c',
      'ls -l /proc/1/fd /proc/$$/fd | grep -c " -> /\\(etc\\)*$"; :',
    );
    assert.equal(open.trim(), '0');
  },
);
