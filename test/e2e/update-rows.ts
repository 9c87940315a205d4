import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import type { Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

/** What a row looks at: a service of its own, in a stack of all rows. */
export interface Subject {
  readonly project: Project;
  readonly service: string;
  readonly pid: number;
}

export type Look = (subject: Subject) => string | Promise<string>;

/** A field that changes, and what of it is seen from outside before and after. */
export interface Row {
  /** Field of the planner. */
  readonly field: string;
  /** Keys of the service. */
  readonly keys: readonly [before: string, after: string];
  readonly look: Look;
  readonly shows: readonly [before: string | RegExp, after: string | RegExp];
}

/** A file as the container has it. */
const file = (path: string, pattern = /[\s\S]*/): Look => {
  return ({ pid }) => pattern.exec(readFileSync(`/proc/${pid}/root${path}`, 'utf8'))?.[0] ?? 'none';
};
/** A file of the process in the host's /proc. */
const proc = (name: string, pattern: RegExp): Look => {
  return ({ pid }) => pattern.exec(readFileSync(`/proc/${pid}/${name}`, 'utf8'))?.[0] ?? 'none';
};
/** A link of the process: the same as ours, or not. */
const shared = (name: string): Look => {
  return ({ pid }) => String(readlinkSync(`/proc/${pid}/${name}`) === readlinkSync(`/proc/self/${name}`));
};
const inside = (namespaces: readonly string[], ...argv: readonly string[]): Look => {
  return ({ pid }) => execFileSync('nsenter', ['-t', String(pid), ...namespaces, ...argv], { encoding: 'utf8' }).trim();
};
const network = (...argv: readonly string[]): Look => inside(['-n'], ...argv);
/** A file of the cgroup; under v2 the numbers are others, and it counts that they change. */
const cgroup = (v1: `${string}/${string}`, v2: string): Look => {
  return ({ project, service }) => {
    const text = project.cgroup(service, v1, v2);
    return existsSync('/sys/fs/cgroup/cgroup.controllers') ? `v2 ${text}` : text;
  };
};
/** A field of what the container was made from, as it lies beside it. */
const recorded = (field: string): Look => {
  return ({ project, service }) => {
    const path = `/var/lib/tsstack/stacks/${project.name}/containers/${service}.1/container.json`;
    const { spec } = JSON.parse(readFileSync(path, 'utf8')) as { spec: Record<string, unknown> };
    return JSON.stringify(spec[field]) ?? 'none';
  };
};
/** The first line that a port of this machine says; nobody there: `refused`. */
const answer = (port: number): Look => {
  return () =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.setTimeout(5000, () => socket.destroy(new Error('timeout')));
      socket.once('data', (data) => {
        resolve(String(data).trim());
        socket.destroy();
      });
      socket.once('error', () => resolve('refused'));
    });
};
const health: Look = ({ project, service }) =>
  until('the health to settle', async () => {
    const { health: now } = await project.container(service);
    return now !== 'starting' && now;
  });

/** Whether the front of a log of 228,894 bytes has been dropped: its index says so first. */
const logStart: Look = ({ project, service }) => {
  const path = `/var/lib/tsstack/stacks/${project.name}/containers/${service}.1/log`;
  return until('the log to be written', () => {
    const written = statSync(path).size === 228_894 && existsSync(`${path}.index`);
    return written && readFileSync(`${path}.index`, 'utf8');
  });
};

const hosts = file('/etc/hosts');
const resolv = file('/etc/resolv.conf');
const MiB = 1 << 20;

/** `ports`: two that are free. */
export function updatesInPlace(ports: readonly [number, number]): readonly Row[] {
  const server = 'command: [busybox, nc, -ll, -p, "80", -e, echo, hello]';
  const device = 'device_write_bps: [{path: /dev/vda, rate:';
  return [
    row('labels', ['labels: {a: one}', 'labels: {a: two}'], recorded('labels'), [/"a":"one"/, /"a":"two"/]),
    row('labels', ['label_file: one.label', 'label_file: two.label'], recorded('labels'), [
      /"a":"file1"/,
      /"a":"file2"/,
    ]),
    row('image.source', ['x-rootfs: one.tar', 'x-rootfs: copy.tar'], recorded('image'), [/one\.tar/, /copy\.tar/]),
    row(
      'logLimitBytes',
      [
        `command: [sh, -c, "seq 1 40000; exec sleep infinity"]\nlogging: {options: {max-size: 1m}}`,
        `command: [sh, -c, "seq 1 40000; exec sleep infinity"]\nlogging: {options: {max-size: 16k}}`,
      ],
      logStart,
      [/^0 /, /^start 2[0-9]{5}\n/],
    ),
    row('stopSignal', ['stop_signal: SIGTERM', 'stop_signal: SIGUSR1'], recorded('stopSignal'), [
      '"SIGTERM"',
      '"SIGUSR1"',
    ]),
    row('stopGracePeriodMs', ['stop_grace_period: 1s', 'stop_grace_period: 2s'], recorded('stopGracePeriodMs'), [
      '1000',
      '2000',
    ]),
    row('restart', ['restart: no', 'restart: always'], recorded('restart'), [/"no"/, /"always"/]),
    row(
      'healthcheck',
      ['healthcheck: {test: [CMD, "true"]}', 'healthcheck: {test: [CMD, "false"], interval: 20ms, retries: 1}'],
      health,
      ['healthy', 'unhealthy'],
    ),
    row(
      'postStart',
      ['post_start: [{command: ["true"]}]', 'post_start: [{command: ["sh", "-c", "true"]}]'],
      recorded('postStart'),
      [/\["true"\]/, /"sh"/],
    ),
    row(
      'preStop',
      ['pre_stop: [{command: ["true"]}]', 'pre_stop: [{command: ["sh", "-c", "true"]}]'],
      recorded('preStop'),
      [/\["true"\]/, /"sh"/],
    ),
    row('restartUnhealthy', ['x-on-unhealthy: ignore', 'x-on-unhealthy: restart'], recorded('restartUnhealthy'), [
      'none',
      'true',
    ]),
    row('dependsOn', ['depends_on: []', 'depends_on: [base]'], recorded('dependsOn'), ['{}', /"base"/]),
    row('networks', ['networks: [default]', 'networks: [default, side]'], network('ls', '/proc/sys/net/ipv4/conf'), [
      /eth0\nlo$/,
      /eth0\neth1\nlo$/,
    ]),
    row('networks', ['networks: [default, side]', 'networks: [side]'], network('ls', '/proc/sys/net/ipv4/conf'), [
      /eth0\neth1\nlo$/,
      /default\neth[01]\nlo$/,
    ]),
    row('networks', ['networks: {side: {aliases: [first]}}', 'networks: {side: {aliases: [second]}}'], hosts, [
      /\sfirst\b/,
      /\ssecond\b/,
    ]),
    row(
      'networks',
      ['networks: {side: {ipv4_address: 10.213.7.50}}', 'networks: {side: {ipv4_address: 10.213.7.51}}'],
      network('ip', '-4', '-br', 'addr', 'show', 'dev', 'eth0'),
      [/10\.213\.7\.50\/24/, /10\.213\.7\.51\/24/],
    ),
    row(
      'networks',
      ['networks: {side: {mac_address: "02:00:00:00:00:11"}}', 'networks: {side: {mac_address: "02:00:00:00:00:12"}}'],
      network('ip', '-br', 'link', 'show', 'dev', 'eth0'),
      [/02:00:00:00:00:11/, /02:00:00:00:00:12/],
    ),
    row(
      'networks',
      ['networks: {side: {interface_name: one0}}', 'networks: {side: {interface_name: two0}}'],
      network('ls', '/proc/sys/net/ipv4/conf'),
      [/\none0$/, /\ntwo0$/],
    ),
    row(
      'ports',
      [`${server}\nports: ["${ports[0]}:80"]`, `${server}\nports: ["${ports[1]}:80"]`],
      async (subject) => `${await answer(ports[0])(subject)}, ${await answer(ports[1])(subject)}`,
      ['hello, refused', 'refused, hello'],
    ),
    row('dns', ['dns: 10.213.0.1', 'dns: 10.213.0.2'], resolv, [
      /^nameserver 10\.213\.0\.1$/m,
      /^nameserver 10\.213\.0\.2$/m,
    ]),
    row('dnsSearch', ['dns_search: one.test', 'dns_search: two.test'], resolv, [
      /^search one\.test$/m,
      /^search two\.test$/m,
    ]),
    row('dnsOptions', ['dns_opt: ["ndots:2"]', 'dns_opt: ["ndots:3"]'], resolv, [
      /^options ndots:2$/m,
      /^options ndots:3$/m,
    ]),
    row('extraHosts', ['extra_hosts: ["box=10.213.0.9"]', 'extra_hosts: ["box=10.213.0.10"]'], hosts, [
      /^10\.213\.0\.9\tbox$/m,
      /^10\.213\.0\.10\tbox$/m,
    ]),
    row('resources.cpus', ['cpus: 0.5', 'cpus: 0.25'], cgroup('cpu/cpu.cfs_quota_us', 'cpu.max'), ['50000', '25000']),
    row('resources.cpuQuotaUs', ['cpu_quota: 40000', 'cpu_quota: 20000'], cgroup('cpu/cpu.cfs_quota_us', 'cpu.max'), [
      '40000',
      '20000',
    ]),
    row(
      'resources.cpuPeriodUs',
      ['cpu_quota: 9000\ncpu_period: 40000', 'cpu_quota: 9000\ncpu_period: 50000'],
      cgroup('cpu/cpu.cfs_period_us', 'cpu.max'),
      ['40000', '50000'],
    ),
    row('resources.cpuShares', ['cpu_shares: 512', 'cpu_shares: 256'], cgroup('cpu/cpu.shares', 'cpu.weight'), [
      '512',
      '256',
    ]),
    row('resources.cpuset', ['cpuset: "0"', 'cpuset: "0-1"'], cgroup('cpuset/cpuset.cpus', 'cpuset.cpus'), [
      '0',
      '0-1',
    ]),
    row(
      'resources.memoryBytes',
      ['mem_limit: 64m', 'mem_limit: 48m'],
      cgroup('memory/memory.limit_in_bytes', 'memory.max'),
      [`${64 * MiB}`, `${48 * MiB}`],
    ),
    row(
      'resources.memoryReservationBytes',
      ['mem_reservation: 32m', 'mem_reservation: 16m'],
      cgroup('memory/memory.soft_limit_in_bytes', 'memory.low'),
      [`${32 * MiB}`, `${16 * MiB}`],
    ),
    row(
      'resources.memorySwapBytes',
      ['mem_limit: 32m\nmemswap_limit: 40m', 'mem_limit: 32m\nmemswap_limit: 36m'],
      cgroup('memory/memory.memsw.limit_in_bytes', 'memory.swap.max'),
      [`${40 * MiB}`, `${36 * MiB}`],
    ),
    row('resources.pids', ['pids_limit: 50', 'pids_limit: 40'], cgroup('pids/pids.max', 'pids.max'), ['50', '40']),
    row(
      'resources.blkio',
      [`blkio_config: {${device} 1mb}]}`, `blkio_config: {${device} 2mb}]}`],
      cgroup('blkio/blkio.throttle.write_bps_device', 'io.max'),
      [/ 1048576$/, / 2097152$/],
    ),
  ];
}

/** What only another process can have. */
export function replacements(): readonly Row[] {
  const environ = (name: string) => proc('environ', new RegExp(`${name}=[^\\0]*`));
  const status = (name: string) => proc('status', new RegExp(`^${name}:.*`, 'm'));
  const rootOptions = proc('mountinfo', /^\S+ \S+ \S+ \S+ \/ \S+/m);
  return [
    row(
      'name',
      ['container_name: NAME-one', 'container_name: NAME-two'],
      async ({ project, service }) => (await project.container(service)).name,
      [/-one$/, /-two$/],
    ),
    row(
      'preStart',
      ['pre_start: [{command: ["true"]}]', 'pre_start: [{command: ["sh", "-c", "true"]}]'],
      recorded('preStart'),
      [/\["true"\]/, /"sh"/],
    ),
    row('image.id', ['x-rootfs: one.tar', 'x-rootfs: two.tar'], file('/which'), ['one', 'two']),
    row('argv', ['command: [sleep, "100001"]', 'command: [sleep, "100002"]'], proc('cmdline', /\d+/), [
      '100001',
      '100002',
    ]),
    row('env', ['environment: {COLOUR: red}', 'environment: {COLOUR: blue}'], environ('COLOUR'), [
      'COLOUR=red',
      'COLOUR=blue',
    ]),
    row('env', ['env_file: one.env', 'env_file: two.env'], environ('FROM_FILE'), ['FROM_FILE=one', 'FROM_FILE=two']),
    row('workingDir', ['working_dir: /usr', 'working_dir: /tmp'], ({ pid }) => readlinkSync(`/proc/${pid}/cwd`), [
      '/usr',
      '/tmp',
    ]),
    row('user', ['user: "1000"', 'user: "1001"'], status('Uid'), [/\s1000\s/, /\s1001\s/]),
    row('groupAdd', ['group_add: ["2000"]', 'group_add: ["2001"]'], status('Groups'), [/\b2000\b/, /\b2001\b/]),
    row('hostname', ['hostname: one', 'hostname: two'], inside(['-u'], 'hostname'), ['one', 'two']),
    row(
      'domainname',
      ['hostname: x\ndomainname: one.test', 'hostname: x\ndomainname: two.test'],
      inside(['-u'], 'cat', '/proc/sys/kernel/domainname'),
      ['one.test', 'two.test'],
    ),
    row('init', ['init: false', 'init: true'], proc('comm', /^\w+/), ['sleep', 'init']),
    row('tty', ['tty: false', 'tty: true'], environ('TERM'), ['none', 'TERM=xterm']),
    row(
      'logDriver',
      ['logging: {driver: local}', 'logging: {driver: none}'],
      ({ pid }) => readlinkSync(`/proc/${pid}/fd/1`),
      [/\/log$/, '/dev/null'],
    ),
    row('stdinOpen', ['stdin_open: false', 'stdin_open: true'], ({ pid }) => readlinkSync(`/proc/${pid}/fd/0`), [
      /null/,
      /^(?!.*null)/,
    ]),
    row('networkMode', ['network_mode: none', 'network_mode: host'], shared('ns/net'), ['false', 'true']),
    row('mounts', ['volumes: ["./one.env:/seen"]', 'volumes: ["./two.env:/seen"]'], file('/seen', /=.*/), [
      '=one',
      '=two',
    ]),
    row('mounts', ['tmpfs: "/scratch:size=1m"', 'tmpfs: "/scratch:size=2m"'], proc('mountinfo', / \/scratch .*/), [
      /size=1024k/,
      /size=2048k/,
    ]),
    row(
      'files',
      ['configs: [{source: one, target: /conf}]', 'configs: [{source: two, target: /conf}]'],
      file('/conf'),
      ['one', 'two'],
    ),
    row('readOnly', ['read_only: false', 'read_only: true'], rootOptions, [/ rw/, / ro/]),
    row('shmSizeBytes', ['shm_size: 1m', 'shm_size: 2m'], proc('mountinfo', / \/dev\/shm .*/), [
      /size=1024k/,
      /size=2048k/,
    ]),
    row('security', ['cap_drop: []', 'cap_drop: [ALL]'], status('CapBnd'), [/[1-9a-f]/, /\s0+$/]),
    row('ulimits', ['ulimits: {nofile: 500}', 'ulimits: {nofile: 600}'], proc('limits', /^Max open files.*/m), [
      /\s500\s/,
      /\s600\s/,
    ]),
    row(
      'sysctls',
      ['sysctls: {net.core.somaxconn: 77}', 'sysctls: {net.core.somaxconn: 78}'],
      network('cat', '/proc/sys/net/core/somaxconn'),
      ['77', '78'],
    ),
    row('resources.oomScoreAdj', ['oom_score_adj: 100', 'oom_score_adj: 200'], proc('oom_score_adj', /\d+/), [
      '100',
      '200',
    ]),
    row('namespaces', ['ipc: private', 'ipc: host'], shared('ns/ipc'), ['false', 'true']),
  ];
}

function row(field: string, keys: Row['keys'], look: Look, shows: Row['shows']): Row {
  return { field, keys, look, shows };
}
