import assert from 'node:assert/strict';
import { readlinkSync, rmSync } from 'node:fs';
import { e2e, Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

const namespaceOf = (pid: number | undefined, kind: string): string => readlinkSync(`/proc/${pid}/ns/${kind}`);

e2e('ipc service:NAME shares IPC namespace and /dev/shm; it starts again with its owner', async (project) => {
  project.write(`
x-idle: &idle { command: sleep 1000, network_mode: none, stop_grace_period: 0s }
services:
  a-side: { <<: *idle, ipc: "service:owner" }
  b-side: { <<: *idle, ipc: "container:${project.name}-owner-1", tty: true }
  owner: { <<: *idle, ipc: shareable, shm_size: 2m }
  mapped: { <<: *idle, ipc: "service:owner", userns_mode: auto }
  own: { <<: *idle }
`);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'plan', '--check');
  await project.expect(0, 'exec', 'owner', 'sh', '-c', 'echo word > /dev/shm/mark; chmod 666 /dev/shm/mark');
  const owner = await project.container('owner');
  for (const side of ['a-side', 'b-side', 'mapped']) {
    const { pid } = await project.container(side);
    assert.equal(namespaceOf(pid, 'ipc'), namespaceOf(owner.pid, 'ipc'), side);
    assert.notEqual(namespaceOf(pid, 'mnt'), namespaceOf(owner.pid, 'mnt'), side);
    assert.notEqual(namespaceOf(pid, 'pid'), namespaceOf(owner.pid, 'pid'), side);
    assert.equal(await project.expect(0, 'exec', '-T', side, 'cat', '/dev/shm/mark'), 'word\n');
    const mount = await project.expect(0, 'exec', '-T', side, 'grep', ' /dev/shm ', '/proc/self/mountinfo');
    assert.match(mount, /nosuid,nodev,noexec.*size=2048k/);
  }
  const { pid: own } = await project.container('own');
  assert.notEqual(namespaceOf(own, 'ipc'), namespaceOf(owner.pid, 'ipc'));
  // What is made anew or started again takes those along that are in its namespace.
  await project.expect(0, 'restart', '-t', '0', 'owner');
  const again = await project.container('owner');
  assert.notEqual(namespaceOf(again.pid, 'ipc'), namespaceOf(own, 'ipc'));
  assert.equal(namespaceOf((await project.container('a-side')).pid, 'ipc'), namespaceOf(again.pid, 'ipc'));
  assert.equal(namespaceOf((await project.container('b-side')).pid, 'ipc'), namespaceOf(again.pid, 'ipc'));
  await project.expect(0, 'restart', '-t', '0', '--no-deps', 'owner');
  const plan = await project.expect(3, 'plan', '--check');
  assert.match(plan, /it is not in the IPC namespace of "\S+-owner-1", which started again/);
  await project.expect(0, 'up', '-d');
  const last = await project.container('owner');
  assert.equal(namespaceOf((await project.container('a-side')).pid, 'ipc'), namespaceOf(last.pid, 'ipc'));
  await project.expect(0, 'up', '-d', '--force-recreate', 'owner', 'a-side', 'b-side', 'mapped');
  await project.expect(0, 'plan', '--check');
});

e2e('ipc none has a namespace without /dev/shm; a private one is nobody else’s', async (project) => {
  project.write(`
services:
  none: { command: "sh -c 'ls /dev; test ! -e /dev/shm'", network_mode: none, ipc: none }
`);
  await project.expect(0, 'up', '-d');
  assert.equal((await project.exited('none')).exitCode, 0);
  assert.match(await project.logs('none'), /^mqueue$/m);
  project.write(`
services:
  owner: { command: sleep 1000, network_mode: none, stop_grace_period: 0s }
  side: { command: sleep 1000, network_mode: none, ipc: "service:owner" }
`);
  const refused = await project.tsstack(['up', '-d', '--remove-orphans']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /Cannot share the IPC namespace of service "owner": it is private/);
  assert.match(refused.stderr, /Write "ipc: shareable" in services.owner/);
  // Of another stack it is seen when the container starts.
  const other = new Project(`${project.name}-owner`);
  other.write('services: { web: { command: sleep 1000, network_mode: none, stop_grace_period: 0s } }\n');
  await other.expect(0, 'up', '-d');
  try {
    project.write(`
services:
  side: { command: sleep 1000, network_mode: none, ipc: "container:${other.name}-web-1" }
`);
    const late = await project.tsstack(['up', '-d', '--remove-orphans']);
    assert.equal(late.status, 1);
    assert.match(late.stderr + late.stdout, /Cannot share the IPC namespace of container "\S+-web-1": it is private/);
    other.write(
      'services: { web: { command: sleep 1000, network_mode: none, ipc: shareable, stop_grace_period: 0s } }\n',
    );
    await other.expect(0, 'up', '-d');
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'stop', '-t', '0');
    await other.expect(0, 'stop', '-t', '0');
    const stopped = await project.tsstack(['start']);
    assert.equal(stopped.status, 1);
    assert.match(stopped.stderr + stopped.stdout, /container \S+-web-1 does not run, and a namespace of it is shared/);
  } finally {
    await other.expect(0, 'down', '-t', '0');
    rmSync(other.scratch, { recursive: true });
  }
});

e2e('pid service:NAME sees the processes of its owner, and ends with its own alone', async (project) => {
  project.write(`
x-idle: &idle { network_mode: none, stop_grace_period: 5s }
services:
  owner: { <<: *idle, command: sleep 1111 }
  side:
    <<: *idle
    pid: service:owner
    command: ["sh", "-c", "sleep 2222 & sleep 3333 & wait"]
  left: { <<: *idle, pid: "service:owner", command: ["sh", "-c", "sleep 4444 & exit 3"] }
  all: { <<: *idle, pid: "service:owner", ipc: "service:shm", tty: true, x-time-namespace: true, command: sleep 5555 }
  shm: { <<: *idle, ipc: shareable, command: sleep 6666 }
`);
  await project.expect(0, 'up', '-d');
  const owner = await project.container('owner');
  const side = await project.container('side');
  assert.equal(namespaceOf(side.pid, 'pid'), namespaceOf(owner.pid, 'pid'));
  const all = await project.container('all');
  assert.equal(namespaceOf(all.pid, 'pid'), namespaceOf(owner.pid, 'pid'));
  assert.equal(namespaceOf(all.pid, 'ipc'), namespaceOf((await project.container('shm')).pid, 'ipc'));
  // Its first process ends, and what that left behind does.
  assert.equal((await project.exited('left')).exitCode, 3);
  const arguments_ = () =>
    project.expect(0, 'exec', '-T', 'side', 'sh', '-c', "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
  const seen = await until('what was left to be gone', async () => {
    const text = await arguments_();
    return !text.includes('sleep 4444') && text;
  });
  for (const each of ['sleep 1111', 'sleep 2222', 'sleep 3333', 'sleep 5555']) assert.ok(seen.includes(each), seen);
  assert.ok(!seen.includes('sleep 6666'));
  // It is not the first of the namespace: a signal that it has no handler for ends it, and no time is lost.
  await project.expect(0, 'stop', 'side');
  assert.equal((await project.container('side')).exitCode, 143);
  const rest = await project.expect(0, 'exec', '-T', 'all', 'sh', '-c', "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
  assert.ok(!rest.includes('sleep 2222') && !rest.includes('sleep 3333'), rest);
  assert.equal((await project.container('owner')).pid, owner.pid);
  await project.expect(0, 'start', 'side');
  await project.expect(0, 'restart', '-t', '0', 'owner');
  const again = await project.container('owner');
  assert.notEqual(again.pid, owner.pid);
  assert.equal(namespaceOf((await project.container('side')).pid, 'pid'), namespaceOf(again.pid, 'pid'));
});
