import { answer, cgroup, file, health, logStart, network, type Row, recorded, row } from './update-looks.ts';

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
      'networks',
      ['networks: {side: {link_local_ips: [169.254.8.8]}}', 'networks: {side: {link_local_ips: [169.254.8.9]}}'],
      network('ip', '-4', '-br', 'addr', 'show', 'dev', 'eth0'),
      [/169\.254\.8\.8\/16/, /169\.254\.8\.9\/16/],
    ),
    row(
      'networks',
      ['log_martians=1', 'log_martians=0'].map(
        (setting) =>
          `networks: {side: {driver_opts: {com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.${setting}}}}`,
      ) as [string, string],
      network('cat', '/proc/sys/net/ipv4/conf/eth0/log_martians'),
      [/^1$/m, /^0$/m],
    ),
    row(
      'ports',
      [`${server}\nports: ["${ports[0]}:80"]`, `${server}\nports: ["${ports[1]}:80"]`],
      async (subject) => `${await answer(ports[0])(subject)}, ${await answer(ports[1])(subject)}`,
      ['hello, refused', 'refused, hello'],
    ),
    // Ours asks them: names.e2e.test.ts.
    row('dns', ['dns: 10.213.0.1', 'dns: 10.213.0.2'], recorded('dns'), [/10\.213\.0\.1/, /10\.213\.0\.2/]),
    row('expose', ['expose: [80]', 'expose: [81]'], recorded('expose'), [/80/, /81/]),
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
    // The next three are files of cgroup v1 only.
    row(
      'resources.oomKillDisable',
      ['mem_limit: 64m\noom_kill_disable: true', 'mem_limit: 64m\noom_kill_disable: false'],
      cgroup('memory/memory.oom_control', 'memory.max'),
      [/^oom_kill_disable 1/, /^oom_kill_disable 0/],
    ),
    row(
      'resources.memorySwappiness',
      ['mem_swappiness: 10', 'mem_swappiness: 20'],
      cgroup('memory/memory.swappiness', 'memory.max'),
      ['10', '20'],
    ),
    row(
      'resources.deviceRules',
      ['device_cgroup_rules: ["c 1:11 r"]', 'device_cgroup_rules: ["c 1:11 w"]'],
      cgroup('devices/devices.list', 'cgroup.procs'),
      [/^c 1:11 r$/m, /^c 1:11 w$/m],
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
