import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';
import { SeparateMachine } from '../helpers/separate-machine.ts';

// Three machines on one cable: a 192.0.2.1 (which has the switch), b .2, c .3; each with a daemon of its own.
const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];

interface Host {
  readonly machine: SeparateMachine;
  readonly directory: string;
  /** `tsstack -p PROJECT-NAME ARGS` there. */
  tsstack(status: number, ...args: readonly string[]): Promise<string>;
  /** The network namespace of its one container. */
  readonly netns: string;
}

async function withHosts(project: Project, act: (hosts: Record<Name, Host>) => Promise<void>): Promise<void> {
  const machines = await Promise.all(NAMES.map(() => SeparateMachine.start()));
  const hosts = Object.fromEntries(
    NAMES.map((name, index) => {
      const machine = machines[index] as SeparateMachine;
      const stack = `${project.name}-${name}`;
      const directory = join(project.scratch, name);
      mkdirSync(directory);
      const tsstack = (status: number, ...args: readonly string[]) =>
        machine.tsstack(status, directory, '-p', stack, ...args);
      return [name, { machine, directory, tsstack, netns: `ts-${stack}.${name}.1` }];
    }),
  ) as Record<Name, Host>;
  const { a, b, c } = hosts;
  try {
    a.machine.exec('ip', 'link', 'add', 'name', 'switch', 'type', 'bridge');
    a.machine.exec('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'switch');
    for (const [{ machine }, name, address] of [
      [b, 'to-b', '192.0.2.2/24'],
      [c, 'to-c', '192.0.2.3/24'],
    ] as const) {
      const peer = ['peer', 'name', 'cable', 'netns', String(machine.pid)];
      a.machine.exec('ip', 'link', 'add', 'name', name, 'type', 'veth', ...peer);
      a.machine.exec('ip', 'link', 'set', 'dev', name, 'master', 'switch', 'up');
      machine.exec('ip', 'addr', 'add', address, 'dev', 'cable');
      machine.exec('ip', 'link', 'set', 'dev', 'cable', 'up');
    }
    a.machine.exec('ip', 'link', 'set', 'dev', 'switch', 'up');
    await act(hosts);
    for (const host of Object.values(hosts)) await host.tsstack(0, 'down', '--timeout', '1');
    for (const { machine } of Object.values(hosts)) {
      await until('the daemon to end', () => !machine.exec('ls', '/run').includes('tsstack'), 15_000);
    }
  } finally {
    for (const host of Object.values(hosts)) await host.tsstack(0, 'down', '--timeout', '1').catch(() => undefined);
    for (const machine of machines) await machine.close();
  }
}

const NETWORK = `networks:
  wide:
    name: wide
    driver: overlay
    driver_opts: {com.tsstack.overlay.vni: "42", com.tsstack.overlay.peers: "192.0.2.1,192.0.2.2,192.0.2.3"}
    ipam: {config: [{subnet: 10.222.0.0/24}]}
`;

function write({ directory }: Host, name: Name, network = NETWORK): void {
  const server = 'command: [busybox, nc, -ll, -p, "80", -e, echo, hello from NAME]'.replace('NAME', name);
  const service = `services: {${name}: {${server}, networks: {wide: {aliases: [all-${name}]}}}}\n`;
  writeFileSync(join(directory, 'stack.yaml'), service + network);
}

/** What a container hears from another one that it calls by name. */
async function call(from: Host, name: Name, to: string): Promise<string> {
  return (await from.tsstack(0, 'exec', '-T', name, 'busybox', 'nc', '-w', '3', to, '80')).trim();
}

e2e(
  'an overlay is one network over three machines: containers reach each other by name, and nobody else sends into it',
  (project) =>
    withHosts(project, async (hosts) => {
      const { a, b, c } = hosts;
      for (const name of NAMES) write(hosts[name], name);
      await Promise.all(NAMES.map((name) => hosts[name].tsstack(0, 'up', '-d')));
      for (const name of NAMES) await hosts[name].tsstack(0, 'plan', '--check');

      // Each gives out the addresses of its own part, and is the gateway of it.
      const parts = {
        a: ['10.222.0.2', '10.222.0.1'],
        b: ['10.222.0.64', '10.222.0.65'],
        c: ['10.222.0.128', '10.222.0.129'],
      };
      for (const name of NAMES) {
        const [address = '', gateway = ''] = parts[name];
        const { machine, netns } = hosts[name];
        const shown =
          machine.exec('ip', '-n', netns, 'addr', 'show', 'dev', 'eth0') + machine.exec('ip', '-n', netns, 'route');
        assert.match(shown, new RegExp(`inet ${address}/24 `));
        assert.match(shown, new RegExp(`default via ${gateway} `));
        assert.match(shown, / mtu 1450 /);
      }
      for (const from of NAMES) {
        for (const to of NAMES.filter((each) => each !== from)) {
          assert.equal(await call(hosts[from], from, parts[to][0] ?? ''), `hello from ${to}`);
          assert.equal(await call(hosts[from], from, to), `hello from ${to}`);
        }
      }
      assert.equal(await call(a, 'a', 'all-c.wide'), 'hello from c');
      // Packets of the network's full size pass.
      a.machine.exec('ip', 'netns', 'exec', a.netns, 'busybox', 'ping', '-c', '1', '-s', '1422', '10.222.0.64');

      // What is lost is seen and made again, and the container goes on.
      const pid = await pidOf(b, 'b');
      const [tunnel = ''] = /ts-vx\S+?(?=[:@])/.exec(b.machine.exec('ip', 'link')) ?? [];
      b.machine.exec('bridge', 'fdb', 'del', '00:00:00:00:00:00', 'dev', tunnel, 'dst', '192.0.2.1');
      assert.match(await b.tsstack(3, 'plan', '--check'), /vxlan ts-vx\S+ does not lead to 192\.0\.2\.1/);
      await b.tsstack(0, 'up', '-d');
      b.machine.exec('ip', 'link', 'del', 'dev', tunnel);
      assert.match(await b.tsstack(3, 'plan', '--check'), /vxlan ts-vx\S+ is missing/);
      await b.tsstack(0, 'up', '-d');
      await b.tsstack(0, 'plan', '--check');
      assert.equal(await pidOf(b, 'b'), pid);
      assert.equal(await call(a, 'a', 'b'), 'hello from b');

      // A machine that is no peer any more is not heard, though it goes on sending; and comes back in place.
      write(a, 'a', NETWORK.replace(',192.0.2.3', ''));
      assert.match(await a.tsstack(3, 'plan', '--check'), /~\s+network\.wide[\s\S]*overlay\.peers/);
      await a.tsstack(0, 'up', '-d');
      const silent = await c.machine.exec(
        'sh',
        '-c',
        `ip netns exec ${c.netns} busybox ping -c 1 -W 1 10.222.0.2 || :`,
      );
      assert.match(silent, /100% packet loss/);
      write(a, 'a');
      await a.tsstack(0, 'up', '-d');
      assert.equal(await call(c, 'c', 'a'), 'hello from a');

      // A machine that goes away takes its names along.
      await c.tsstack(0, 'down');
      // An answer may be kept for 5 s.
      const look = ['exec', '-T', 'a', 'sh', '-c', 'busybox nslookup c || :'];
      await until('the name to be gone', async () => !(await a.tsstack(0, ...look)).includes('10.222.0.128'));
      assert.equal(c.machine.exec('ip', '-br', 'link').includes('ts-'), false);
    }),
  { needs: ['ip', 'bridge', 'busybox'] },
);

async function pidOf(host: Host, service: Name): Promise<number> {
  const list = JSON.parse(await host.tsstack(0, 'ps', '--format', 'json'));
  const [found] = (Array.isArray(list) ? list : [list]).filter(
    (each: { service?: string }) => each.service === service,
  );
  return found.pid;
}
