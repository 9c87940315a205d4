import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { explainReport } from '../../src/lib/launch-report.ts';
import {
  EACCES,
  EINVAL,
  ENOENT,
  ENOTDIR,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_NO_NEW_PRIVS,
  SECCOMP_SET_MODE_FILTER,
  SIGCHLD,
} from '../../src/runtime/launcher/constants.ts';
import { assembleElf } from '../../src/runtime/launcher/elf.ts';
import { listCalls } from '../../src/runtime/launcher/listing.ts';
import { Program } from '../../src/runtime/launcher/program.ts';
import { executeProgram, stayAsInit } from '../../src/runtime/steps/process.ts';

const directory = mkdtempSync(join(tmpdir(), 'tsstack-elf-'));
after(() => rmSync(directory, { recursive: true }));

/** How a launcher of an architecture can be run here; undefined: not at all. */
const RUNNERS = {
  x86_64: process.arch === 'x64' ? [] : undefined,
  aarch64:
    process.arch === 'arm64'
      ? []
      : existsSync('/usr/bin/qemu-aarch64-static')
        ? ['/usr/bin/qemu-aarch64-static']
        : undefined,
} as const;

const NATIVE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

/** Runs a program (or the emulator that runs it) under a filter that answers rt_sigtimedwait(2) with EPERM. */
function refuseSignalTaking(argv: readonly string[]): Program {
  const filter = Buffer.concat([
    instruction(0x20, 0, 0, 0), // load the number of the call
    instruction(0x15, 0, 1, NATIVE === 'aarch64' ? 137 : 128),
    instruction(0x06, 0, 0, 0x00050001), // SECCOMP_RET_ERRNO, EPERM
    instruction(0x06, 0, 0, 0x7fff0000), // SECCOMP_RET_ALLOW
  ]);
  const length = Buffer.alloc(8);
  length.writeUInt16LE(filter.length / 8);
  const program = new Program([0, 1, 2, 3]);
  program.call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], 'get no new privileges');
  program.call('seccomp', [SECCOMP_SET_MODE_FILTER, 0, { pieces: [length, { pointer: filter }] }], 'filter');
  executeProgram(program, { argv, env: {} });
  return program;
}

/** `struct sock_filter`. */
function instruction(code: number, yes: number, no: number, value: number): Buffer {
  const bytes = Buffer.from([code, 0, yes, no, 0, 0, 0, 0]);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

for (const arch of ['x86_64', 'aarch64'] as const) {
  const runner = RUNNERS[arch];
  const emulated = (runner?.length ?? 0) > 0;
  const skip = runner === undefined ? `no ${arch} machine and no emulator (package qemu-user-static)` : false;

  const runLauncher = (program: Program) => {
    const path = join(directory, `${arch}-${Math.random()}`);
    writeFileSync(path, assembleElf(arch, program.calls, 3), { mode: 0o700 });
    const [file = path, ...args] = [...(runner ?? []), path];
    const { status, output } = spawnSync(file, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const report = Buffer.from(output[3] ?? '');
    return { status, stdout: String(output[1]), report, said: explainReport(listCalls(program.calls), report) };
  };
  const print = (program: Program, text: string) => program.call('write', [1, text, text.length], `print ${text}`);
  const shell = (program: Program, script: string) =>
    executeProgram(program, { argv: ['/bin/sh', '-c', script], env: { WORD: 'from the table' } });

  describe(`launcher for ${arch}`, { skip }, () => {
    test('passes arguments and environment to the program it executes', () => {
      const program = new Program([0, 1, 2, 3]);
      shell(program, 'echo "$WORD, $0"; exit 37');
      const { status, stdout, report } = runLauncher(program);
      assert.deepEqual(
        { status, stdout, report: report.length },
        { status: 37, stdout: 'from the table, /bin/sh\n', report: 0 },
      );
    });

    test('reports the failing call and its errno, and ends with 125', () => {
      const program = new Program([0, 1, 2, 3]);
      print(program, 'first');
      program.call('chdir', ['/no/such/directory'], 'go to /no/such/directory');
      shell(program, 'true');
      const { status, stdout, report, said } = runLauncher(program);
      assert.equal(stdout, 'first');
      assert.deepEqual([...report], [1, 0, 0, 0, ENOENT, 0, 0, 0]);
      assert.equal(status, 125);
      assert.equal(said, 'go to /no/such/directory: no such file or directory (ENOENT)');
    });

    test('skips as many calls as a tolerated error says, whichever of the three it is, and counts them', () => {
      for (const tolerate of [[ENOENT], [1, ENOENT], [1, 2, EACCES]]) {
        const program = new Program([0, 1, 2, 3]);
        program.call('chdir', ['/no/such/directory'], 'go nowhere', { tolerate, skip: 2 });
        print(program, 'a');
        print(program, 'b');
        print(program, 'c');
        program.call('chdir', ['/no/such/directory'], 'fail');
        shell(program, 'true');
        const { stdout, report } = runLauncher(program);
        assert.equal(stdout, 'c');
        assert.equal(report.readUInt32LE(0), 4);
      }
    });

    test('goes on with the next call when a tolerated error does not happen', () => {
      const program = new Program([0, 1, 2, 3]);
      program.call('chdir', ['/'], 'go to /', { tolerate: [ENOENT], skip: 1 });
      print(program, 'not skipped');
      shell(program, 'true');
      assert.equal(runLauncher(program).stdout, 'not skipped');
    });

    for (const { script, expected, orphan } of [
      { script: '(sleep 0.2; exit 7) & exit 0', expected: 7, orphan: true },
      { script: "sh -c '(sleep 0.1; exit 7) &'; sleep 0.3; exit 0", expected: 7, orphan: true },
      { script: "sh -c '(sleep 0.1; exit 7) &'; sleep 0.3; exit 125", expected: 125, orphan: true },
      { script: "sh -c 'sleep 0.2; kill -9 $$' & exit 0", expected: 137, orphan: true },
      { script: 'exit 0', expected: 0, orphan: false },
      { script: 'exit 9', expected: 9, orphan: false },
    ]) {
      // An emulator does not let processes be adopted.
      if (orphan && emulated) continue;
      test(`adopts what its child leaves behind and ends as that does: "${script}": ${expected}`, () => {
        const program = new Program([0, 1, 2, 3]);
        program.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'adopt', { tolerate: [EINVAL] });
        program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'fork', { fork: 'adopt' });
        shell(program, script);
        const { status, report } = runLauncher(program);
        assert.deepEqual({ status, report: report.length }, { status: expected, report: 0 });
      });
    }

    for (const [script, expected] of [
      ['exit 7', 7],
      ['kill -9 $$', 137],
      ['true', 0],
    ] as const) {
      test(`waits for the child of a fork: "${script}" gives ${expected}`, () => {
        const program = new Program([0, 1, 2, 3]);
        program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'fork', { fork: 'wait' });
        shell(program, script);
        const { status, report } = runLauncher(program);
        assert.deepEqual({ status, report: report.length }, { status: expected, report: 0 });
      });
    }

    const init = (program: Program, script: string) => {
      stayAsInit(program);
      shell(program, script);
      return runLauncher(program);
    };
    for (const [script, expected] of [
      ['exit 7', 7],
      ['kill -9 $$', 137],
      ['true', 0],
    ] as const) {
      test(`ends as an init as its child does: "${script}" gives ${expected}`, () => {
        const { status, report } = init(new Program([0, 1, 2, 3]), script);
        assert.deepEqual({ status, report: report.length }, { status: expected, report: 0 });
      });
    }

    test('passes signals on as an init, to a child that blocks none', () => {
      const script = `trap 'echo usr1' USR1; trap 'echo term; exit 5' TERM; grep SigBlk /proc/self/status
        kill -USR1 $PPID; sleep 0.2; kill -TERM $PPID; while :; do sleep 0.05; done`;
      const { status, stdout } = init(new Program([0, 1, 2, 3]), script);
      assert.deepEqual([status, stdout], [5, 'SigBlk:\t0000000000000000\nusr1\nterm\n']);
    });

    test('ends as an init with an error that names it where no signal can be taken', () => {
      const program = new Program([0, 1, 2, 3]);
      stayAsInit(program);
      shell(program, 'sleep 0.5');
      const path = join(directory, `${arch}-refused`);
      writeFileSync(path, assembleElf(arch, program.calls, 3), { mode: 0o700 });
      const outer = join(directory, `${arch}-refusing`);
      const refusing = refuseSignalTaking([...(runner ?? []), path]);
      writeFileSync(outer, assembleElf(NATIVE, refusing.calls, 3), { mode: 0o700 });
      const { status, output } = spawnSync(outer, {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        timeout: 5000,
        killSignal: 'SIGKILL',
      });
      assert.deepEqual([status, String(output[2])], [125, 'init: rt_sigtimedwait(2) is not allowed\n']);
    });

    // Under an emulator a filter would be the emulator's.
    if (!emulated)
      test('ends by a signal where a filter refuses every call, even exit_group', () => {
        const program = new Program([0, 1, 2, 3]);
        const length = Buffer.alloc(8);
        length.writeUInt16LE(1);
        const filter = { pieces: [length, { pointer: instruction(0x06, 0, 0, 0x00050026) }] };
        program.call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], 'get no new privileges');
        program.call('seccomp', [SECCOMP_SET_MODE_FILTER, 0, filter], 'refuse everything');
        shell(program, 'true');
        const path = join(directory, `${arch}-refusing-all`);
        writeFileSync(path, assembleElf(arch, program.calls, 3), { mode: 0o700 });
        const { signal } = spawnSync(path, { stdio: 'ignore', timeout: 5000, killSignal: 'SIGKILL' });
        assert.equal(signal, 'SIGILL');
      });

    test('reaps as an init what its child left behind, and waits on', () => {
      // An orphan of the shell's, which ends while the shell runs, and one that ends after.
      const script = `(sh -c 'sleep 0.1; exit 3' & echo $! >&1); sleep 0.4; ps -o stat= --ppid $PPID | grep -c Z; exit 4`;
      const { status, stdout } = init(new Program([0, 1, 2, 3]), script);
      assert.deepEqual([status, stdout.split('\n')[1]], [4, '0']);
    });

    test('says as an init what its child could not execute', () => {
      const program = new Program([0, 1, 2, 3]);
      stayAsInit(program);
      executeProgram(program, { argv: ['/no/such'], env: {} });
      const { status, said } = runLauncher(program);
      assert.equal(
        `${status} ${said}`,
        '127 run "/no/such": no such program in the container, or no interpreter for it (ENOENT)',
      );
    });

    test('goes on in the parent of a child that has calls of its own, after those, and counts them', () => {
      const program = new Program([0, 1, 2, 3]);
      program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'fork', { parentSkips: 2 });
      print(program, 'child ');
      program.call('exit_group', [0], 'end');
      program.call('wait4', [-1, 0, 0, 0], 'wait');
      print(program, 'parent');
      program.call('chdir', ['/no/such/directory'], 'fail');
      shell(program, 'true');
      const { stdout, report } = runLauncher(program);
      assert.equal(stdout, 'child parent');
      assert.equal(report.readUInt32LE(0), 5);
    });

    test('says what the child could not do when the parent fails after it', () => {
      const program = new Program([0, 1, 2, 3]);
      program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'fork', { parentSkips: 1 });
      program.call('chdir', ['/no/such/directory'], 'be somewhere else');
      program.call('wait4', [-1, 0, 0, 0], 'wait');
      program.call('close', [77], 'close what the child opened');
      shell(program, 'true');
      assert.equal(runLauncher(program).said, 'be somewhere else: no such file or directory (ENOENT)');
    });

    test('finds a program along PATH, passing over what is missing and what cannot be executed', () => {
      writeFileSync(join(directory, 'sh'), 'not executable', { mode: 0o600 });
      const program = new Program([0, 1, 2, 3]);
      executeProgram(program, {
        argv: ['sh', '-c', 'echo found'],
        env: { PATH: `/no/such:${directory}/sh:${directory}:/usr/bin:/bin` },
      });
      assert.equal(runLauncher(program).stdout, 'found\n');
    });

    test('ends with 127 for a program that is nowhere, and 126 for one that is not executable', () => {
      writeFileSync(join(directory, 'plain'), '', { mode: 0o600 });
      const results = ['nowhere', 'plain', '/no/such', directory].map((name) => {
        const program = new Program([0, 1, 2, 3]);
        executeProgram(program, { argv: [name], env: { PATH: `/no/such:${directory}:/bin` } });
        const { status, said } = runLauncher(program);
        return `${status} ${said.replaceAll(directory, 'DIR')}`;
      });
      assert.deepEqual(results, [
        '127 run "nowhere": no such program in the container, or no interpreter for it (ENOENT)',
        '126 run "plain" as DIR/plain: not executable (EACCES)',
        '127 run "/no/such": no such program in the container, or no interpreter for it (ENOENT)',
        '126 run "DIR": not executable (EACCES)',
      ]);
    });

    test('has a writable page for results that nobody reads', () => {
      const program = new Program([0, 1, 2, 3]);
      program.call('readlinkat', [-100, '/proc/self/exe', { scratch: true }, 100], 'read a link');
      program.call('write', [1, { scratch: true }, 1], 'print its first byte');
      shell(program, 'true');
      assert.equal(runLauncher(program).stdout, '/');
    });
  });
}

test('Program counts descriptors as the kernel does', () => {
  const program = new Program([0, 1, 2, 3, 5]);
  const open = () => program.open('openat', [-100, '/', 0, 0], 'open /');
  assert.deepEqual([open(), open(), open()], [4, 6, 7]);
  program.close(6);
  assert.deepEqual([open(), open()], [6, 8]);
  program.closeRange(6, 8);
  assert.equal(open(), 6);
  assert.throws(() => program.close(9), /not open/);
});

test('assembleElf() refuses a table that the loop could run off', () => {
  const program = new Program([0]);
  program.call('execve', ['/bin/true', 0, 0], 'run', { tolerate: [ENOTDIR], executes: true });
  assert.throws(() => assembleElf('x86_64', program.calls, 3), /must end/);
  assert.throws(() => assembleElf('x86_64', [], 3), /must end/);
});

test('explainReport() gives the text of a launch script that failed as it stands', () => {
  assert.equal(
    explainReport('', Buffer.from('launch.sh: 20: cannot create /x: Read-only\n')),
    'launch.sh: 20: cannot create /x: Read-only',
  );
});
