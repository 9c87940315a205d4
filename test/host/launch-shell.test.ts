import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LaunchShells } from '../../src/host/launch-shell.ts';
import { TsstackError } from '../../src/model/error.ts';
import { lookAt } from '../../src/outside/processes.ts';
import { holdUp } from '../helpers/hold-up.ts';
import { until } from '../helpers/run.ts';

const TIMEOUT_MS = 30_000;

interface Scratch {
  readonly directory: string;
  /** Starts a script. */
  launch(body: string, timeoutMs?: number): Promise<void>;
  /** What a script has written into a file of that name. */
  written(name: string): Promise<string>;
}

async function withShells(work: (scratch: Scratch) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "launch 'shell-"));
  const shells = new LaunchShells();
  let count = 0;
  try {
    await work({
      directory,
      launch(body, timeoutMs = TIMEOUT_MS) {
        count += 1;
        const script = `${directory}/script ${count}`;
        writeFileSync(script, `cd '${directory.replaceAll("'", "'\\''")}'\n${body}\n`);
        return shells.launch(script, timeoutMs);
      },
      written: (name) => until(name, () => readFileSync(`${directory}/${name}`, 'utf8').trim() || undefined),
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Ends when its test does, at the latest. */
const STAYS = 'echo $$ >$0.pid; exec 3>&-; while [ -e "$0" ]; do sleep 0.05; done';

const causeOf = async (launched: Promise<void>): Promise<Buffer> => {
  const error = await launched.then(
    () => assert.fail('it was started'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TsstackError && error.code === 'launch-failed', String(error));
  return Buffer.from(error.cause as Uint8Array);
};

test('a launch is over when the status pipe is closed, whatever runs on, and fails with what came through it', () =>
  withShells(async ({ launch, written }) => {
    const bytes = Buffer.from([0, 1, 10, 13, 32, 37, 127, 128, 255, 0]);
    const printed = [...bytes].map((byte) => `\\0${byte.toString(8)}`).join('');
    const [first, second, third] = [launch(STAYS), launch(`printf '%b' '${printed}' >&3`), launch(STAYS)];
    assert.deepEqual(await causeOf(second), bytes);
    await first;
    await third;
    // All of a long one is taken out of the pipe: who writes is not ended by that.
    const long = await causeOf(launch('head -c 100000 /dev/zero >&3; echo $? >ended'));
    assert.ok(long.length >= 1000 && long.every((byte) => byte === 0));
    assert.equal(await written('ended'), '0');
  }));

test('hundreds at once each have their own report', () =>
  withShells(async ({ launch }) => {
    const all = Array.from({ length: 200 }, (_, index) => causeOf(launch(`seq ${index} ${index + 100} >&3`)));
    for (const [index, report] of (await Promise.all(all)).entries()) {
      assert.ok(report.toString().startsWith(`${index}\n${index + 1}\n`), `${index}: ${report.subarray(0, 20)}`);
      assert.ok(report.toString().endsWith(`\n${index + 100}\n`));
    }
  }));

test('a script has no environment, no descriptor of ours, and signals are as they are behind every shell', () =>
  withShells(async ({ launch, written, directory }) => {
    process.env['TSSTACK_SECRET'] = 'x';
    await launch(`echo $$ >pid; tr '\\0' '\\n' </proc/$$/environ >environ; echo end >>environ
grep -E '^Sig(Ign|Blk)' /proc/self/status >signals; ${STAYS}`);
    const fds = `/proc/${await written('pid')}/fd`;
    const targets = (directory: string) => readdirSync(directory).map((name) => readlinkSync(`${directory}/${name}`));
    // What who runs the tests gives to everybody is not of ours.
    const given = targets(`/proc/${process.ppid}/fd`);
    const open = targets(fds).filter((target) => !given.includes(target) && !target.startsWith(directory));
    assert.deepEqual(open, []);
    assert.doesNotMatch(await written('environ'), /TSSTACK/);
    // SIGINT and SIGQUIT, as in all that a shell does not wait for. A launcher sets them to their defaults.
    assert.equal(await written('signals'), 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000006');
  }));

test('nobody is left of a script that has ended, and one whose shell is killed is told of', () =>
  withShells(async ({ launch, written }) => {
    await launch('echo $$ $PPID >first; exec 3>&-');
    const [pid = '', parent = ''] = (await written('first')).split(' ');
    await until('it to be gone, and not to be a zombie', () => !readdirSync('/proc').includes(pid));
    const begun = launch('echo begun >begun; sleep 0.5; echo late >&3');
    await written('begun');
    process.kill(Number(parent), 'SIGKILL');
    assert.equal((await causeOf(begun)).toString(), 'late\n');
    await launch('echo $PPID >second');
    assert.notEqual(await written('second'), parent);
    await assert.rejects(launch('sleep 2', 100), { code: 'timeout' });
  }));

test('a shell ends with the process that it serves, what it started does not', () =>
  withShells(async ({ directory, written }) => {
    const source = join(import.meta.dirname, '../../src/host/launch-shell.ts');
    writeFileSync(`${directory}/script`, `echo $$ $PPID >"$0.pids"; exec 3>&-; while [ -e "$0" ]; do sleep 0.05; done`);
    const code = `
      const { LaunchShells } = await import(${JSON.stringify(source)});
      await new LaunchShells().launch(${JSON.stringify(`${directory}/script`)}, 30000);
      process.kill(process.pid, 'SIGKILL');`;
    const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    assert.equal(signal, 'SIGKILL', stderr);
    const [pid = '', shell = ''] = (await written('script.pids')).split(' ');
    await until('the shell to be gone', () => lookAt(Number(shell)) === undefined);
    assert.notEqual(lookAt(Number(pid)), undefined);
  }));

test('a container that starts while this process is held up for longer than it may take has started in time', () =>
  withShells(async ({ launch }) => {
    const launched = launch(STAYS, 300);
    await holdUp(1000);
    await launched;
  }));
