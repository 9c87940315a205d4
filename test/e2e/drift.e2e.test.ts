import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ContainerSummary } from '../../src/daemon/api.ts';
import { e2e, freePort, type Project } from '../helpers/e2e.ts';

interface Subject {
  readonly project: Project;
  readonly service: string;
  readonly pid: number;
  /** Its netns. */
  readonly netns: string;
}

interface Row {
  /** Name of the service that it happens to. */
  readonly service: string;
  readonly harm: (subject: Subject) => void;
  /** What the plan says, and by which symbol. */
  readonly says: RegExp;
  readonly symbol: '~' | '▶';
}

const sh = (...argv: readonly string[]): string => execFileSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8' });
const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
const hierarchies = unified ? [''] : ['blkio', 'cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'memory', 'pids'];

const ROWS: readonly Row[] = [
  { service: 'killed', harm: ({ pid }) => process.kill(pid, 'SIGKILL'), says: /exited with status 137/, symbol: '▶' },
  {
    service: 'link',
    harm: ({ netns }) => sh('ip', '-n', netns, 'link', 'del', 'eth0'),
    says: /drift: .*veth \S+ is missing/,
    symbol: '~',
  },
  {
    service: 'down',
    harm: ({ netns }) => sh('ip', '-n', netns, 'link', 'set', 'eth0', 'down'),
    says: /drift: .*eth0 is down in the container/,
    symbol: '~',
  },
  {
    service: 'address',
    harm: ({ netns }) => sh('ip', '-n', netns, 'addr', 'flush', 'dev', 'eth0'),
    says: /drift: eth0 lacks address \S+ in the container/,
    symbol: '~',
  },
  {
    service: 'route',
    harm: ({ netns }) => sh('ip', '-n', netns, 'route', 'del', 'default'),
    says: /drift: eth0 lacks the default route by \S+ in the container/,
    symbol: '~',
  },
  {
    service: 'netns',
    harm: ({ netns }) => sh('ip', 'netns', 'del', netns),
    says: /drift: network namespace \S+ is missing/,
    symbol: '~',
  },
  {
    service: 'othernetns',
    harm: ({ netns }) => {
      sh('ip', 'netns', 'del', netns);
      sh('ip', 'netns', 'add', netns);
    },
    says: /drift: \S+ is not the network namespace of process \d+/,
    symbol: '~',
  },
  {
    service: 'limit',
    harm: ({ project, service }) => project.setCgroup(service, 'pids/pids.max', 'pids.max', '7'),
    says: /drift: pids\.max is 7, not 50/,
    symbol: '~',
  },
  {
    service: 'cgroup',
    harm: ({ project, service, pid }) => {
      for (const hierarchy of hierarchies) {
        const root = `/sys/fs/cgroup/${hierarchy}`;
        writeFileSync(`${root}/cgroup.procs`, String(pid));
        sh('rmdir', `${root}/tsstack/${project.name}/${service}.1`);
      }
    },
    says: /drift: .*cgroup \S+ is missing/,
    symbol: '~',
  },
  {
    service: 'left',
    harm: ({ pid }) => {
      for (const hierarchy of hierarchies) writeFileSync(`/sys/fs/cgroup/${hierarchy}/cgroup.procs`, String(pid));
    },
    says: /drift: process \d+ is not in cgroup/,
    symbol: '~',
  },
  {
    service: 'frozen',
    harm: ({ project, service }) =>
      project.setCgroup(service, 'freezer/freezer.state', 'cgroup.freeze', unified ? '1' : 'FROZEN'),
    says: /drift: its processes are frozen, and nobody paused it/,
    symbol: '~',
  },
  {
    service: 'mount',
    harm: ({ pid }) => sh('nsenter', '-t', String(pid), '-m', 'umount', '/data'),
    says: /drift: nothing is mounted on \/data/,
    symbol: '▶',
  },
  {
    service: 'hosts',
    harm: ({ pid }) => appendFileSync(`/proc/${pid}/root/etc/hosts`, '10.9.9.9 stranger\n'),
    says: /drift: its \/etc\/hosts is not as it was written/,
    symbol: '~',
  },
  {
    service: 'port',
    harm: () => {
      sh('nft', 'flush', 'map', 'inet', 'tsstack', 'ports4');
    },
    says: /drift: port tcp \* \d+ is not published/,
    symbol: '~',
  },
];

function stack(port: number, ruined: boolean): string {
  const keys: Record<string, string> = {
    limit: 'pids_limit: 50',
    mount: 'volumes: ["data:/data"]',
    port: `ports: ["${port}:80"]`,
  };
  const services = ROWS.map(({ service }) => {
    return `  ${service}:\n    command: [sleep, infinity]\n    ${keys[service] ?? `labels: {ruined: "${ruined}"}`}\n`;
  });
  return `services:\n${services.join('')}volumes: {data: {}}\n`;
}

async function containers(project: Project): Promise<ReadonlyMap<string, ContainerSummary>> {
  return new Map((await project.ps()).map((each) => [each.service, each]));
}

const lineOf = (plan: string, address: string) =>
  new RegExp(`^ *(\\S) ${address.replaceAll(/[[\].]/g, '\\$&')} +(.*)`, 'm').exec(plan);

/** Every process that goes on has its network, its limits and its names. */
async function assertWhole(project: Project): Promise<void> {
  for (const { service, pid } of (await containers(project)).values()) {
    assert.ok(pid !== undefined, `${service} runs`);
    const own = (...argv: string[]) => sh('nsenter', '-t', String(pid), '-n', ...argv);
    assert.match(own('ip', '-4', '-br', 'addr', 'show', 'dev', 'eth0'), /^eth0\S+ +UP +\d+\./, service);
    assert.match(own('ip', 'route'), /^default via /, service);
    assert.equal(sh('ip', 'netns', 'identify', String(pid)).trim(), `ts-${project.name}.${service}.1`);
    assert.equal(project.cgroup(service, 'freezer/cgroup.procs', 'cgroup.procs'), String(pid), service);
    assert.doesNotMatch(readFileSync(`/proc/${pid}/root/etc/hosts`, 'utf8'), /stranger/);
  }
  assert.equal(project.cgroup('limit', 'pids/pids.max', 'pids.max'), '50');
}

const needs = ['ip', 'nft', 'nsenter', 'rmdir'];

e2e(
  'what is changed behind our back is drift: the plan says what, up mends just that, and the plan is empty then',
  async (project) => {
    project.write(stack(await freePort(), false));
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    await assertWhole(project);
    const before = await containers(project);
    for (const { service, harm } of ROWS) {
      const pid = before.get(service)?.pid ?? 0;
      harm({ project, service, pid, netns: `ts-${project.name}.${service}.1` });
    }
    const plan = await project.expect(3, 'plan', '--check');
    for (const { service, says, symbol } of ROWS) {
      const [, shown, cause = ''] = lineOf(plan, `service.${service}[1]`) ?? [];
      assert.equal(shown, symbol, `${service}\n${plan}`);
      assert.match(cause, says);
    }
    assert.equal(plan.match(/^ *\S service\./gm)?.length, ROWS.length, plan);
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    await assertWhole(project);
    const after = await containers(project);
    for (const { service, symbol } of ROWS) {
      assert.equal(before.get(service)?.pid === after.get(service)?.pid, symbol === '~', `process of ${service}`);
      assert.equal(before.get(service)?.createdAtMs, after.get(service)?.createdAtMs, `container of ${service}`);
    }
  },
  { needs },
);

e2e(
  'nft rules, set members, the whole table and a bridge that are gone are made again around the process',
  async (project) => {
    const port = await freePort();
    project.write(`services: {web: {command: [sleep, infinity], ports: ["${port}:80"]}}\n`);
    await project.expect(0, 'up', '-d');
    const { pid } = await project.container('web');
    const table = () => sh('nft', 'list', 'table', 'inet', 'tsstack') + sh('nft', 'list', 'table', 'bridge', 'tsstack');
    const bridge = () => /set bridges \{[^}]*elements = \{ "([^"]+)"/.exec(table())?.[1] ?? '';
    // Others' networks may be in the table too: what is compared is ours.
    const sorted = (text: string) =>
      text
        .replaceAll(/[{},]/g, '\n')
        .split('\n')
        .map((line) => line.trim())
        .sort();
    const whole = sorted(table());
    const nft = (command: string) => sh('nft', ...command.split(' '));
    const rows: readonly (readonly [RegExp, () => void])[] = [
      [/drift: nft chain inet tsstack forward has 0 rules, not \d+/, () => nft('flush chain inet tsstack forward')],
      [/drift: nft chain inet tsstack input has \d+ rules, not/, () => nft('add rule inet tsstack input accept')],
      [/drift: nft set inet tsstack masqueraded lacks/, () => nft('flush set inet tsstack masqueraded')],
      [/drift: nft set inet tsstack subnets4 lacks/, () => nft('flush set inet tsstack subnets4')],
      [/drift: nft table inet tsstack lacks bridge/, () => nft('delete table inet tsstack')],
      [/drift: nft chain bridge tsstack guard has 0 rules, not/, () => nft('delete table bridge tsstack')],
      [/drift: nft set bridge tsstack held4 lacks/, () => nft('flush set bridge tsstack held4')],
      [/drift: bridge \S+ is missing/, () => sh('ip', 'link', 'del', bridge())],
    ];
    for (const [says, harm] of rows) {
      harm();
      const plan = await project.expect(3, 'plan', '--check');
      const [, symbol, cause = ''] = lineOf(plan, 'network.default') ?? [];
      assert.equal(symbol, '~', plan);
      assert.match(cause, says);
      await project.expect(0, 'up', '-d');
      await project.expect(0, 'plan', '--check');
      assert.deepEqual(sorted(table()), whole);
      assert.equal((await project.container('web')).pid, pid);
    }
  },
  { needs },
);

e2e('who paused a container is remembered: a pause is no drift, also for the next daemon', async (project) => {
  project.write('services: {web: {command: [sleep, infinity]}}\n');
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'pause');
  await project.expect(0, 'plan', '--check');
  await project.expect(0, 'unpause');
  project.setCgroup('web', 'freezer/freezer.state', 'cgroup.freeze', unified ? '1' : 'FROZEN');
  await project.expect(3, 'plan', '--check');
  await project.expect(0, 'up', '-d');
  assert.equal((await project.container('web')).status, 'running');
});
