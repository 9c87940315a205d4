import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { residue, takeSnapshot } from './residue.ts';
import { output, run, until } from './run.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';

test('residue() names each kind of thing that was left behind', { skip }, async () => {
  const name = `tsstack-res-${process.pid}`;
  const link = `tsr${process.pid}`;
  const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const cgroup = `/sys/fs/cgroup/${unified ? '' : 'pids/'}${name}`;
  const before = await takeSnapshot();
  const sleeper = spawn('unshare', ['--uts', 'sleep', 'infinity'], { stdio: 'ignore' });
  try {
    await output('ip', 'netns', 'add', name);
    await output('ip', 'link', 'add', link, 'type', 'bridge');
    await output('nft', 'add', 'table', 'ip', name);
    mkdirSync(cgroup);
    writeFileSync(`/tmp/${name}`, '');
    const found = await until('the process to have its namespace', async () => {
      const left = residue(before, await takeSnapshot());
      return left.some((line) => line === `process ${sleeper.pid} sleep infinity`) && left;
    });
    for (const line of [
      `netns /run/netns/${name}`,
      `link ${link}`,
      `nft table ip ${name} {`,
      `cgroup ${cgroup}`,
      `file /tmp/${name}`,
      `mount /run/netns/${name} nsfs`,
    ]) {
      assert.ok(found.includes(line), `${line} is missing in:\n${found.join('\n')}`);
    }
  } finally {
    sleeper.kill('SIGKILL');
    await run(['ip', 'netns', 'del', name]);
    await run(['ip', 'link', 'del', link]);
    await run(['nft', 'delete', 'table', 'ip', name]);
    if (existsSync(cgroup)) rmdirSync(cgroup);
    rmSync(`/tmp/${name}`, { force: true });
    // iproute2 makes /run/netns a mount point with the first namespace; busy, and left, when somebody else uses it.
    if (![...before].some((line) => line.startsWith('mount /run/netns '))) await run(['umount', '/run/netns']);
  }
  await until('everything to be gone', async () => {
    const left = residue(before, await takeSnapshot()).filter((line) => line.includes(name) || line.includes(link));
    return left.length === 0;
  });
});
