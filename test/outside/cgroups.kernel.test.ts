import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { leaveCgroup } from '../../src/outside/cgroups.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';
const MOUNT = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';
/** As much as the kernel takes some 50 ms to free, in which its process cannot be moved and is still there. */
const LARGE = "Buffer.alloc(300 * 2 ** 20, 1); process.stdout.write('ready'); setInterval(() => {}, 1000)";

test('a delegated cgroup is left as it was, also while who was killed in it is still ending', { skip }, async () => {
  const base = `${MOUNT}/tsstack-left-${process.pid}`;
  mkdirSync(`${base}/tsstack.engine`, { recursive: true });
  const child = spawn(process.execPath, ['-e', LARGE], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  try {
    await once(child.stdout, 'data');
    writeFileSync(`${base}/tsstack.engine/cgroup.procs`, String(child.pid));
    child.kill('SIGKILL');
    await leaveCgroup(base);
    assert.ok(!existsSync(`${base}/tsstack.engine`));
    assert.equal(readFileSync(`${base}/cgroup.subtree_control`, 'utf8').trim(), '');
  } finally {
    child.kill('SIGKILL');
    await ended;
    for (const each of ['/tsstack.engine', '']) if (existsSync(`${base}${each}`)) rmdirSync(`${base}${each}`);
  }
});
