import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContainerSummary } from '../../src/daemon/api.ts';
import { ROOT, TSSTACK } from '../helpers/client.ts';
import { SHARED } from '../helpers/e2e.ts';
import { run } from '../helpers/run.ts';

const IN_VM = process.env['IN_VM'] ?? join(SHARED, 'vm/in-vm');

const STACK = `services:
  always: {command: [sleep, infinity], restart: always, healthcheck: {test: [CMD, "true"]}}
  stopped-always: {command: [sleep, infinity], restart: always}
  unless: {command: [sleep, infinity], restart: unless-stopped, mem_limit: 64m, depends_on: {always: {condition: service_healthy}}}
  stopped-unless: {command: [sleep, infinity], restart: unless-stopped}
  failure: {command: [sleep, infinity], restart: on-failure}
  never: {command: [sleep, infinity]}
`;

test('after a reboot the next command brings back what always and unless-stopped promise', {
  skip: existsSync(IN_VM) ? false : `no ${IN_VM}`,
  timeout: 600_000,
}, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tsstack-reboot-'));
  const boot = async (script: string): Promise<string> => {
    const argv = [IN_VM, '--disk', join(scratch, 'disk'), '--timeout', '280', '--', 'sh', '-euc', script];
    const { status, stdout, stderr } = await run(argv, { cwd: ROOT, timeoutMs: 290_000 });
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  };
  try {
    const tsstack = `${TSSTACK} -p reboot`;
    await boot(`
        printf %s '${STACK}' >/tmp/stack.yaml
        ${tsstack} -f /tmp/stack.yaml up -d
        ${tsstack} stop -t 0 stopped-always stopped-unless
        ${tsstack} net shape unless --rate 3mbit
        ${tsstack} net cut unless always
        sync`);
    const shown = await boot(`
        ${tsstack} ps -a >/dev/null
        ${tsstack} start never
        echo; echo "== $(${tsstack} ps -a --format json | tr -d '\\n')"
        ${tsstack} net ls unless
        tc qdisc show | grep 3Mbit
        nft list tables
        ${tsstack} exec unless true
        ${tsstack} down -t 0`);
    const containers = JSON.parse(/^== (.*)$/m.exec(shown)?.[1] ?? '') as readonly ContainerSummary[];
    const status = Object.fromEntries(containers.map((each) => [each.service, each.status]));
    assert.deepEqual(status, {
      always: 'running',
      'stopped-always': 'running',
      unless: 'running',
      'stopped-unless': 'exited',
      failure: 'exited',
      never: 'running',
    });
    const unless = containers.find(({ service }) => service === 'unless');
    assert.match(shown, /unless-1 .*3mbit.*by hand.*always-1/, 'what was done to its network is said');
    assert.match(shown, /^qdisc .* dev ts-unl\w+.* rate 3Mbit/m, 'and holds');
    assert.match(shown, /^table bridge tsstack_cut$/m);
    assert.equal(unless?.usage?.limits.memoryBytes, 64 * 1024 * 1024, 'its limits are there again');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
