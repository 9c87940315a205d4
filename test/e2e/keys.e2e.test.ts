import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, type Project } from '../helpers/e2e.ts';

const STATUS = "grep -E '^(Uid|Gid|Groups|Cap(Prm|Eff|Bnd|Inh|Amb))' /proc/self/status";
const LIMITS = "grep -E 'open files|core file|processes' /proc/self/limits";
const mount = (target: string) => `grep ' ${target} ' /proc/self/mountinfo; ls -ldn ${target}; ls -A ${target}`;

/** Masks of what Docker 28 gives in these cases, with Linux 6: but for the first, as its containers show them. */
const DEFAULT = 'a80425fb';
const NONE = '0000000000000000';

interface Case {
  /** Keys of the service. */
  readonly keys: string;
  readonly command: string;
  /** What must be in its output. */
  readonly shows: readonly RegExp[];
  /** What must not. */
  readonly lacks?: readonly RegExp[];
}

const who = (keys: string, uid: number, gid: number, groups: string): Case => ({
  keys,
  command: STATUS,
  shows: [
    new RegExp(`^Uid:(\\s${uid}){4}$`, 'm'),
    new RegExp(`^Gid:(\\s${gid}){4}$`, 'm'),
    new RegExp(`^Groups:\\s${groups} $`, 'm'),
  ],
});
const sets = (keys: string, effective: string, bounding = effective): Case => ({
  keys,
  command: STATUS,
  shows: [
    new RegExp(`^CapPrm:\\s0*${effective}$`, 'm'),
    new RegExp(`^CapEff:\\s0*${effective}$`, 'm'),
    new RegExp(`^CapBnd:\\s0*${bounding}$`, 'm'),
    new RegExp(`^CapInh:\\s${NONE}$`, 'm'),
    new RegExp(`^CapAmb:\\s${NONE}$`, 'm'),
  ],
});
const tmpfs = (option: string, ...shows: readonly RegExp[]): Case => ({
  keys: `tmpfs: ["/data${option}"]`,
  command: mount('/data'),
  shows,
  lacks: [/^file$/m],
});

/** Every row is what Docker 28 with Compose 2.40 shows for the same keys. */
const CASES: Readonly<Record<string, Case>> = {
  'user-name': who('user: app', 1000, 1001, '77 78 1001'),
  'user-name-group': who('user: "app:tools"', 1000, 77, '77'),
  'user-name-gid': who('user: "app:77"', 1000, 77, '77'),
  'user-uid': who('user: "1000"', 1000, 1001, '77 78 1001'),
  'user-uid-gid': who('user: "1000:1001"', 1000, 1001, '1001'),
  'user-uid-name': who('user: "1000:tools"', 1000, 77, '77'),
  'user-without-passwd': who('user: "4242"', 4242, 0, '0'),
  'user-without-passwd-gid': who('user: "4242:4343"', 4242, 4343, '4343'),
  'user-home': { keys: 'user: "4242"', command: 'echo home=$$HOME', shows: [/^home=\/$/m] },
  'group-add': who('user: app, group_add: [tools, "555"]', 1000, 1001, '77 78 555 1001'),
  'group-add-root': who('group_add: [77]', 0, 0, '0 77'),
  'caps-default': sets('{}', DEFAULT),
  'caps-drop-all': sets('cap_drop: [ALL]', '0'),
  'caps-drop-all-lower': sets('cap_drop: [all]', '0'),
  'caps-drop-all-add': sets('cap_drop: [ALL], cap_add: [CAP_NET_RAW, chown]', '2001'),
  'caps-add-drop-same': sets('cap_add: [SYS_TIME], cap_drop: [SYS_TIME]', 'aa0425fb'),
  'caps-prefix-lower': sets('cap_add: [cap_sys_time], cap_drop: [cap_chown]', 'aa0425fa'),
  'caps-mixed-case': sets('cap_drop: [Net_Raw]', 'a80405fb'),
  'caps-of-user': sets('user: app, cap_add: [NET_ADMIN]', '0', 'a80435fb'),
  limits: {
    keys: 'ulimits: {nofile: {soft: 100, hard: 200}, nproc: 50}',
    command: LIMITS,
    shows: [/open files +100 +200 /, /processes +50 +50 /, /core file size +0 /],
  },
  'limits-none': {
    keys: 'ulimits: {core: {soft: 0, hard: -1}, fsize: -1}',
    command: `${LIMITS}; grep 'file size' /proc/self/limits`,
    shows: [/core file size +0 +unlimited/, /Max file size +unlimited +unlimited/],
  },
  'oom-score': { keys: 'oom_score_adj: 500', command: 'cat /proc/self/oom_score_adj', shows: [/^500$/m] },
  shm: { keys: 'shm_size: 1m', command: mount('/dev/shm'), shows: [/rw,nosuid,nodev,noexec,relatime.*size=1024k/] },
  'read-only': {
    keys: 'read_only: true, tmpfs: /t',
    command:
      'grep " / / " /proc/self/mountinfo; touch /x; touch /t/x /dev/shm/x && echo written; touch /etc/hosts; touch /proc/x',
    shows: [/ \/ \/ ro,/, /touch: \/x: Read-only file system/, /^written$/m, /touch: \/etc\/hosts: Read-only/],
  },
  'tmpfs-bare': tmpfs('', / \/data rw,nosuid,nodev,noexec,relatime /, /^drwxrwxrwt +2 0 +0 /m),
  'tmpfs-size-mode': tmpfs(':size=1m,mode=755', /size=1024k/, /^drwxr-xr-x +2 0 +0 /m),
  'tmpfs-percent': tmpfs(':size=10%', /size=\d+k/),
  'tmpfs-owner': tmpfs(':mode=700,uid=1000,gid=1001', /^drwx------ +2 1000 +1001 /m),
  'tmpfs-exec': tmpfs(':exec', / \/data rw,nosuid,nodev,relatime /),
  'tmpfs-suid': tmpfs(':suid', / \/data rw,nodev,noexec,relatime /),
  'tmpfs-all': tmpfs(':rw,exec,suid,dev', / \/data rw,relatime /),
  'tmpfs-read-only': tmpfs(':ro', / \/data ro,nosuid,nodev,noexec,relatime /),
  'tmpfs-inodes': tmpfs(':nr_inodes=5,noatime', / \/data rw,nosuid,nodev,noexec,noatime .*nr_inodes=5/),
  'tmpfs-sticky': tmpfs(':size=64k,exec,mode=1770', /size=64k/, /^drwxrwx--T +2 0 +0 /m),
  'tmpfs-volume': {
    keys: 'volumes: [{type: tmpfs, target: /data, tmpfs: {size: 65536, mode: 0755}}]',
    command: mount('/data'),
    shows: [/size=64k/, /^drwxr-xr-x +2 0 +0 /m],
    lacks: [/^file$/m],
  },
  sysctls: {
    keys: 'sysctls: {kernel.msgmax: 1234, fs.mqueue.msg_max: 12, kernel.domainname: x.y}',
    command: 'cat /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max /proc/sys/kernel/domainname',
    shows: [/^1234\n12\nx\.y$/m],
  },
  'cgroup-private': { keys: 'cgroup: private', command: 'cat /proc/self/cgroup', shows: [/:\/$/m], lacks: [/tsstack/] },
  'cgroup-host': {
    keys: 'cgroup: host',
    command: 'cat /proc/self/cgroup',
    shows: [/:\/tsstack\/\S+\/cgroup-host\.1$/m],
  },
  console: {
    keys: 'tty: true',
    command: 'ls -ln /dev/console; grep " /dev/console " /proc/self/mountinfo; echo word >/dev/console',
    shows: [/^crw--w---- +1 0 +5 +136, +0 .*\/dev\/console/m, / \/0 \/dev\/console rw,nosuid,noexec/, /^word$/m],
  },
};

/** A root with users and groups, and a directory with a file that an app owns. */
function makeRoot(project: Project): void {
  const root = join(project.scratch, 'root');
  for (const name of ['bin', 'etc', 'tmp', 'data']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of ['sh', 'cat', 'grep', 'ls', 'touch', 'read', 'echo'])
    symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\napp:x:1001:\ntools:x:77:app\nmore:x:78:app\n');
  writeFileSync(join(root, 'data/file'), 'content\n');
}

e2e(
  'what a container shows inside of its keys of isolation is what Docker shows',
  async (project) => {
    makeRoot(project);
    const services = Object.entries(CASES).map(([name, { keys, command }]) => {
      const own = keys === '{}' ? '' : `, ${keys}`;
      return `  ${name}: { x-rootfs: ./root, network_mode: none, command: ["sh", "-c", ${JSON.stringify(`${command}; :`)}]${own} }`;
    });
    project.write(`services:\n${services.join('\n')}\n`);
    await project.expect(0, 'up', '-d');
    const wrong: string[] = [];
    for (const [name, { shows, lacks = [] }] of Object.entries(CASES)) {
      await project.exited(name);
      const text = (await project.logs(name)).replaceAll('\r', '');
      for (const pattern of shows) if (!pattern.test(text)) wrong.push(`${name}: no ${pattern} in\n${text}`);
      for (const pattern of lacks) if (pattern.test(text)) wrong.push(`${name}: ${pattern} in\n${text}`);
    }
    assert.equal(wrong.length, 0, wrong.join('\n'));
    project.write('services: { a: { x-rootfs: ./root, command: sh, user: nobody, network_mode: none } }\n');
    const unknown = await project.tsstack(['up', '-d', '--remove-orphans']);
    assert.equal(unknown.status, 1);
    assert.match(
      unknown.stderr + unknown.stdout,
      /Unknown user "nobody": \/etc\/passwd of image "rootfs:\S+\/root" has no such user/,
    );
  },
  { needs: ['/bin/busybox'] },
);

e2e('a terminal can be read through /dev/console', async (project) => {
  project.write(`
services:
  web:
    command: ["sh", "-c", "read -r word </dev/console; echo got $$word"]
    tty: true
    stdin_open: true
    network_mode: none
`);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');
  assert.ok(pid !== undefined);
  writeFileSync(`/var/lib/tsstack/stacks/${project.name}/containers/web.1/stdin`, 'hello\n');
  assert.equal((await project.exited('web')).exitCode, 0);
  assert.match(await project.logs('web'), /got hello/);
});
