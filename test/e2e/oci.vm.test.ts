import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Asked } from '../helpers/asked.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

const RUNTIMES = ['crun', 'runc'];
/** Of these each sees the same. */
const ALIKE = ['own', ...RUNTIMES];

/**
 * All but mknod and mkdir by the shell itself, as each process takes long there: who it is, what it is limited to, what is masked,
 * what devices made on the spot are good for (messages of the kernel, the console, tun, zero), and what cgroups show and take.
 */
const LOOK = `while read -r line; do
  case $line in Uid:*|Gid:*|Groups:*|Cap*|NoNewPrivs:*|Seccomp:*|Umask:*) echo "$line" ;; esac
done </proc/self/status
while read -r line; do echo "$line"; done </proc/self/limits
read -r line </proc/self/oom_score_adj; echo "oom $line"
targets=
while read -r source target rest; do targets="$targets $target "; done </proc/mounts
for path in /proc/kcore /proc/keys /proc/sysrq-trigger /proc/sys /sys/firmware; do
  case $targets in *" $path "*) echo "mounted $path" ;; esac
done
for kind in cgroup ipc mnt net pid user uts; do [ /proc/self/ns/$kind -ef /proc/1/ns/$kind ] && echo "as pid 1: $kind"; done
for number in 1:11 5:1 10:200 1:5; do
  node=/tmp/$number
  [ -e $node ] || mknod $node c $(IFS=:; echo $number)
  (true <$node) 2>/dev/null && echo "reads $number"
  (true >$node) 2>/dev/null && echo "writes $number"
done
while read -r line; do echo "in $line"; done </proc/self/cgroup
cd /sys/fs/cgroup
for file in tsstack cgroup.procs memory.max; do [ -e $file ] && echo "sees $file"; done
mkdir below 2>/dev/null && rmdir below && echo makes cgroups
(echo max >memory.max) 2>/dev/null && echo lifts limits
cd /`;

e2e(
  'devices and cgroups of containers, and that of crun and runc they are the same: limits, rules in place, exec, status',
  async (project) => {
    const asked = new Asked(join(project.scratch, 'asked'), LOOK);
    const write = (rules: string) => {
      const limits = `mem_limit: 64m, pids_limit: 60, cpus: 1.5, cap_add: [SYSLOG], device_cgroup_rules: [${rules}]`;
      const service = (name: string, keys: string) =>
        `  ${name}: {${keys}, hostname: same, network_mode: none, ${asked.keys(name)}}\n`;
      project.write(`services:
${service('own', limits)}${RUNTIMES.map((each) => service(each, `${limits}, runtime: ${each}`)).join('')}${service('privileged', 'privileged: true')}${service('host', 'cgroup: host')}`);
    };
    write("'c 1:11 r'");
    await project.expect(0, 'up', '-d');
    const first = await asked.ask([...ALIKE, 'privileged', 'host']);
    const { own = '', privileged = '', host = '' } = first;
    for (const runtime of RUNTIMES) assert.equal(first[runtime], own, runtime);
    assert.match(own, /^reads 1:11\nreads 1:5\nwrites 1:5\nin 0::\/\nsees cgroup.procs\nsees memory.max\n$/m);
    assert.equal(own.match(/^mounted /gm)?.length, 5);
    assert.match(privileged, /^writes 1:11$.*^in 0::\/\nsees cgroup.procs\nsees memory.max\nmakes cgroups\n/ms);
    assert.doesNotMatch(privileged, /^mounted /m);
    assert.match(host, /^in 0::\/tsstack\/\S+\/host\.1\nsees tsstack\nsees cgroup.procs\n$/m);

    assert.equal(await project.expect(0, 'exec', '-T', 'runc', ...asked.argv), own, 'exec');
    for (const service of ALIKE) {
      assert.deepEqual(
        ['memory.max', 'pids.max', 'cpu.max'].map((file) => cgroup(project, service, file)),
        [String(64 * 2 ** 20), '60', '150000 100000'],
      );
    }

    const before = ALIKE.map((service) => pidOf(project, service));
    write("'c 1:11 w'");
    await project.expect(0, 'up', '-d');
    const second = await asked.ask(ALIKE);
    for (const service of ALIKE) assert.match(second[service] ?? '', /^writes 1:11\nreads 1:5$/m, service);
    assert.deepEqual(
      ALIKE.map((service) => pidOf(project, service)),
      before,
    );

    for (const pid of before) process.kill(pid, 'SIGUSR1');
    await until('their end', async () => {
      const ended = (await project.ps()).filter(({ service }) => ALIKE.includes(service));
      return ended.every(({ exitCode }) => exitCode === 9);
    });
  },
  { needs: RUNTIMES },
);

function cgroup(project: Project, service: string, file: string): string {
  return readFileSync(`/sys/fs/cgroup/tsstack/${project.name}/${service}.1/${file}`, 'utf8').trim();
}

/** Its first process, which is the first that came into the cgroup. */
function pidOf(project: Project, service: string): number {
  const pids = cgroup(project, service, 'cgroup.procs').split('\n').map(Number);
  return pids.toSorted((left, right) => left - right)[0] ?? 0;
}
