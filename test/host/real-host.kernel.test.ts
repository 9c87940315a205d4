import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HostOp } from '../../src/host/op.ts';
import { parseProcessStat } from '../../src/host/process.ts';
import { RealHost } from '../../src/host/real-host.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';
const NETNS = `ts-host-${process.pid}`;
const TABLE = `tsstack_host_${process.pid}`;

const bridge = (name: string): HostOp => ({
  op: 'ip',
  netns: NETNS,
  args: ['link', 'add', 'name', name, 'type', 'bridge'],
});

function output(...argv: readonly string[]): string {
  const [file = '', ...args] = argv;
  return spawnSync(file, args, { encoding: 'utf8' }).stdout;
}

/** A namespace, and a count of how often `ip` was run. */
async function inNetns(run: (host: RealHost, calls: () => number) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'host-'));
  const real = output('sh', '-c', 'command -v ip').trim();
  const path = process.env['PATH'] ?? '';
  writeFileSync(`${directory}/ip`, `#!/bin/sh\necho "$*" >>${directory}/calls\nexec ${real} "$@"\n`);
  chmodSync(`${directory}/ip`, 0o755);
  assert.equal(spawnSync(real, ['netns', 'add', NETNS]).status, 0);
  process.env['PATH'] = `${directory}:${path}`;
  try {
    await run(new RealHost(), () =>
      existsSync(`${directory}/calls`) ? readFileSync(`${directory}/calls`, 'utf8').split('\n').length - 1 : 0,
    );
  } finally {
    process.env['PATH'] = path;
    spawnSync(real, ['netns', 'del', NETNS]);
    rmSync(directory, { recursive: true });
  }
}

const links = (): readonly string[] =>
  [...output('ip', '-n', NETNS, '-br', 'link').matchAll(/^(t[0-9]+)/gm)].map(([name]) => name).sort();

test('what stands where a link is to be made gives way, and the lines after it are of the new one', { skip }, () =>
  inNetns(async (host, calls) => {
    await host.perform([bridge('t1'), bridge('t3')]);
    const pair = ['link', 'add', 'name', 't1', 'type', 'veth', 'peer', 'name', 't2'];
    await Promise.all([
      host.perform([
        { op: 'ip', netns: NETNS, args: pair, evict: ['link', 'del', 'dev', 't1'] },
        { op: 'ip', netns: NETNS, args: ['link', 'set', 'dev', 't2', 'up'] },
      ]),
      host.perform([bridge('t4')]),
    ]);
    assert.equal(calls(), 3, 'one process more, for what gives way');
    assert.deepEqual(links(), ['t1', 't2', 't3', 't4']);
  }),
);

test(
  'ip operations that are asked for at the same time share a process, and a failed one fails its own caller only',
  { skip },
  () =>
    inNetns(async (host, calls) => {
      const wrong: HostOp = { op: 'ip', netns: NETNS, args: ['link', 'set', 'dev', 'nobody', 'up'] };
      const outcomes = await Promise.allSettled([
        host.perform([bridge('t1'), bridge('t2')]),
        host.perform([bridge('t3'), wrong, bridge('t4')]),
        host.perform([bridge('t5')]),
      ]);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      const [, failed] = outcomes;
      assert.match(
        String(failed?.status === 'rejected' && failed.reason),
        /link set dev nobody up.*Cannot find device/s,
      );
      assert.equal(calls(), 1);
      assert.deepEqual(links(), ['t1', 't2', 't3', 't4', 't5']);
    }),
);

test('what is there already, or gone already, is done where that is tolerated and an error where not', { skip }, () =>
  inNetns(async (host) => {
    const add = bridge('t1') as Extract<HostOp, { op: 'ip' }>;
    const remove: HostOp = { op: 'ip', netns: NETNS, args: ['link', 'del', 'dev', 't1'] };
    await host.perform([add]);
    await assert.rejects(host.perform([add]), /File exists/);
    await host.perform([{ ...add, tolerate: 'exists' }]);
    await assert.rejects(host.perform([{ ...add, tolerate: 'absent' }]), /File exists/);
    await host.perform([remove]);
    await assert.rejects(host.perform([remove]), /Cannot find device/);
    await host.perform([{ ...remove, tolerate: 'absent' }]);
  }),
);

test('an operation in a namespace that is not there fails with its name', { skip }, async () => {
  const lost: HostOp = {
    op: 'ip',
    netns: `${NETNS}-lost`,
    args: ['link', 'set', 'dev', 'lo', 'up'],
    tolerate: 'absent',
  };
  await assert.rejects(new RealHost().perform([lost]), new RegExp(`${NETNS}-lost`));
});

test('an nft transaction that is refused is tried again in parts, and only the culprit fails', { skip }, async () => {
  const host = new RealHost();
  const nft = (script: string): HostOp => ({ op: 'nft', script: `${script}\n` });
  try {
    await host.perform([nft(`table inet ${TABLE} { set s { type inet_service; }; }`)]);
    const add = (element: string) => host.perform([nft(`add element inet ${TABLE} s { ${element} }`)]);
    const outcomes = await Promise.allSettled([add('1'), add('nonsense'), add('3')]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.match(output('nft', 'list', 'table', 'inet', TABLE), /elements = \{ 1, 3 \}/);
    // A script that fails in its second line leaves nothing of its first.
    const half = nft(`add element inet ${TABLE} s { 5 }\nadd element inet ${TABLE} nowhere { 6 }`);
    await assert.rejects(host.perform([half]));
    assert.match(output('nft', 'list', 'table', 'inet', TABLE), /elements = \{ 1, 3 \}/);
  } finally {
    spawnSync('nft', ['delete', 'table', 'inet', TABLE]);
  }
});

test('what something is mounted in is not removed, even by a way that leads over a link', { skip }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'host mount-'));
  mkdirSync(`${directory}/tree/mounted`, { recursive: true });
  symlinkSync(directory, `${directory}/link`);
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', `${directory}/tree/mounted`]).status, 0);
  writeFileSync(`${directory}/tree/mounted/data`, 'precious');
  try {
    for (const path of [`${directory}/tree`, `${directory}/link/tree`, `${directory}/tree/mounted`]) {
      await assert.rejects(new RealHost().perform([{ op: 'remove', path }]), /mounted on/);
    }
    assert.equal(readFileSync(`${directory}/tree/mounted/data`, 'utf8'), 'precious');
  } finally {
    spawnSync('umount', [`${directory}/tree/mounted`]);
    rmSync(directory, { recursive: true });
  }
});

test('a signal reaches the process that was meant, and nobody whose pid it has now', async () => {
  const child = spawn('sleep', ['infinity']);
  await once(child, 'spawn');
  const { pid = 0 } = child;
  const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const ended = once(child, 'exit');
  const host = new RealHost();
  await host.perform([{ op: 'kill', pid, startTime: '1', signal: 9 }]);
  // In order: had the first signal come, the child could not say that it was the second.
  await host.perform([{ op: 'kill', pid, startTime: stat?.startTime ?? '', signal: 15 }]);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  await host.perform([{ op: 'kill', pid, startTime: stat?.startTime ?? '', signal: 9 }]);
});

test('launch is done when descriptor 3 is closed, and its words on it are the failure', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'launch-'));
  const script = (text: string): string => {
    writeFileSync(`${directory}/launch.sh`, text);
    return `${directory}/launch.sh`;
  };
  const host = new RealHost();
  const launch = (path: string, timeoutMs = 30_000) => host.perform([{ op: 'launch', script: path, timeoutMs }]);
  try {
    // It runs on: what it waits for comes after the launch is done.
    await launch(script(`exec 3>&-\nuntil [ -e ${directory}/go ]; do sleep 0.01; done\n: >${directory}/ran\n`));
    assert.equal(existsSync(`${directory}/ran`), false);
    writeFileSync(`${directory}/go`, '');
    await assert.rejects(launch(script('echo "no such program" >&3; exit 1\n')), (error: Error) => {
      assert.equal(Buffer.from(error.cause as Uint8Array).toString(), 'no such program\n');
      return true;
    });
    await assert.rejects(launch(script(`echo $$ >${directory}/pid; exec sleep 30\n`), 50), { code: 'timeout' });
  } finally {
    if (existsSync(`${directory}/pid`)) process.kill(Number(readFileSync(`${directory}/pid`, 'utf8')), 'SIGKILL');
    rmSync(directory, { recursive: true, maxRetries: 20 });
  }
});
