import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, constants, createReadStream, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { buildExec } from '../../src/runtime/exec.ts';
import {
  execBase,
  missingForKernelTests,
  openLauncher,
  type RunningContainer,
  Sandbox,
  waitFor,
} from '../helpers/kernel-container.ts';

const missing = missingForKernelTests();

describe('a program executed in a container', { skip: missing === undefined ? false : `needs ${missing}` }, () => {
  let sandbox: Sandbox;
  let config: LaunchConfig;
  let container: RunningContainer;
  before(async () => {
    sandbox = new Sandbox();
    config = sandbox.config({ argv: ['sleep', '1000'], env: { WORD: 'of the container' } });
    container = await sandbox.start(config);
  });
  after(() => sandbox.remove());

  const shell = (script: string) => sandbox.exec(container, config, ['/bin/sh', '-c', script]);

  for (const [script, expected] of [
    ['exit 7', 7],
    ['kill -9 $$', 137],
    ['true', 0],
  ] as const) {
    test(`gives its status: ${script}`, async () => {
      assert.equal((await shell(script)).status, expected);
    });
  }

  test('reads and writes what its client gave it', async () => {
    const { stdout, stderr, report } = await shell('echo out; echo err >&2');
    assert.deepEqual({ stdout, stderr, report }, { stdout: 'out\n', stderr: 'err\n', report: '' });
  });

  test('has the namespaces, cgroups, capabilities, filter, limits and environment of pid 1', async () => {
    const script = `for n in cgroup ipc mnt net pid time user uts; do readlink /proc/$P/ns/$n; done
      cat /proc/$P/cgroup /proc/$P/limits; grep -E '^(Cap|Seccomp|NoNew|Uid|Gid|Groups|Umask|SigIgn|SigBlk)' /proc/$P/status
      tr '\\0' '\\n' </proc/$P/environ; readlink /proc/$P/root /proc/$P/cwd; cat /proc/$P/oom_score_adj`;
    const [own, first] = await Promise.all([shell(`P=self\n${script}`), shell(`P=1\n${script}`)]);
    assert.match(first.stdout, /WORD=of the container/);
    assert.equal(own.stdout, first.stdout);
    assert.equal(own.status, 0);
  });

  test('has no descriptor but the standard ones', async () => {
    assert.equal((await shell('ls /proc/$$/fd; :')).stdout, '0\n1\n2\n');
  });

  test('that cannot be found is reported, with status 127', async () => {
    const { status, report } = await sandbox.exec(container, config, ['no-such-program']);
    assert.equal(status, 127);
    assert.match(report, /^run "no-such-program": no such program in the container/);
  });

  test('cannot begin in a directory that a descriptor of the launch leads to', async () => {
    for (let descriptor = 0; descriptor < 16; descriptor += 1) {
      const workingDir = `/proc/self/fd/${descriptor}`;
      const other = { ...config, spec: { ...config.spec, workingDir } };
      const { status, report } = await sandbox.exec(container, other, ['true']);
      assert.equal(status, 125, report);
    }
  });

  test('ends when its host process is killed', async () => {
    const { child } = start(['sleep', '4242']);
    const running = async () =>
      (await shell(`for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline | grep -q '^sleep 4242' && echo $p; done; :`))
        .stdout;
    let seen = '';
    while (seen === '') seen = await running();
    child.kill('SIGKILL');
    while (seen !== '') seen = await running();
  });

  /** Starts one without waiting, with a terminal if its master is given. */
  function start(argv: readonly string[], master?: number) {
    const exec = buildExec({ ...execBase(config, container.pid), argv, tty: master !== undefined });
    const { descriptor, close } = openLauncher(join(sandbox.directory, `launcher-${Math.random()}`), exec.launcher);
    const [program = '', ...args] = exec.argv;
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', descriptor, master ?? 'ignore'] });
    close();
    return { child, ended: new Promise<number | null>((resolve) => child.once('close', resolve)) };
  }

  test('has a terminal of the container as its controlling terminal', async () => {
    const flags = constants.O_RDWR | constants.O_NOCTTY;
    const master = openSync(`/proc/${container.pid}/root/dev/pts/ptmx`, flags);
    const { ended } = start(['sh', '-c', 'tty; read a </dev/tty; echo "got $a"; stat -c %u $(tty); exit 5'], master);
    let output = '';
    const stream = createReadStream('', { fd: master, autoClose: false });
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
    // The other end is closed: EIO on Linux.
    const closed = new Promise<void>((resolve) => stream.once('error', () => resolve()));
    await waitFor('the terminal', () => (output.includes('/dev/pts/') ? 'there' : ''));
    writeSync(master, 'hello\n');
    assert.equal(await ended, 5);
    await closed;
    closeSync(master);
    assert.match(output, /^\/dev\/pts\/\d+\r\nhello\r\ngot hello\r\n0\r\n$/);
  });

  test('that runs /proc/self/exe gets at a launcher that is gone, never at a program of the host (CVE-2019-5736)', async () => {
    const attacked = join(container.directory, 'layers/root/upper/bin/evil');
    const { status: planted } = await shell('printf "#!/proc/self/exe\\n" >/bin/evil; chmod 755 /bin/evil');
    assert.equal(planted, 0);
    assert.ok(existsSync(attacked));
    const programs = ['/bin/sh', '/usr/bin/nsenter', '/usr/bin/unshare', process.execPath];
    const sums = () => programs.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));
    const before = sums();
    const { status } = await sandbox.exec(container, config, ['/bin/evil']);
    assert.equal(status, 125, 'the launcher ran a second time, without what it needs');
    assert.deepEqual(sums(), before);
  });

  test('is never seen inside as a program of the host', async () => {
    const watcher = `while test ! -e /stop; do for p in /proc/[0-9]*; do readlink $p/exe; done; done 2>/dev/null | sort -u >/seen`;
    const watching = shell(watcher);
    for (let round = 0; round < 20; round += 1) assert.equal((await shell('true')).status, 0);
    await shell('touch /stop');
    await watching;
    const { stdout } = await shell('cat /seen; rm /stop');
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .filter((path) => path !== '/bin/busybox' && !/\/exec-\d+ \(deleted\)$/.test(path)),
      [],
    );
  });

  test('does not start once the container has ended', async () => {
    const ending = sandbox.config({ argv: ['true'] });
    const ended = await sandbox.start(ending);
    await sandbox.exit(ended);
    const { status, report } = await sandbox.exec(ended, ending, ['true']);
    assert.equal(status, 125);
    assert.match(report, /^open namespace cgroup of \d+: no such file or directory/);
  });
});
