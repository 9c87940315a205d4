import { readlinkSync } from 'node:fs';
import { bundled, file, inside, network, proc, type Row, recorded, row, shared } from './update-looks.ts';

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
    row('runtime', ['runtime: tsstack', 'runtime: crun'], bundled, ['false', 'true']),
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
