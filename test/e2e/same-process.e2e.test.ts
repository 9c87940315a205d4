import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

/** Writes what the kernel says of who runs it into /out/NAME, at once. Programs ask for themselves: a shell that forks blocks signals. */
const SCRIPT = `#!/bin/sh
p=/proc/self
{
  grep -E '^(Umask|Uid|Gid|Groups|Sig(Blk|Ign)|Cap[A-Z]|NoNewPrivs|Seccomp)' $p/status
  cat $p/limits $p/cgroup $p/oom_score_adj
  cat $p/attr/current 2>/dev/null || echo no label
  for n in $p/ns/*; do echo "\${n##*/} $(readlink $n)"; done
} >/tmp/$1.$$
cat /tmp/$1.$$ >/out/$1.part
mv /out/$1.part /out/$1
`;

const PROFILE = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }] };

const SERVICES: Readonly<Record<string, string>> = {
  default: '',
  'a user, fewer capabilities and no new privileges':
    "user: '1234:5678', group_add: ['99'], cap_drop: [ALL], cap_add: [CHOWN], security_opt: ['no-new-privileges:true'], ",
  'a user namespace': 'userns_mode: private, ',
  privileged: 'privileged: true, ',
  'its own filter and limits':
    "security_opt: ['seccomp=p.json'], ulimits: {nofile: {soft: 50, hard: 60}}, oom_score_adj: 200, init: true, ",
};

for (const [what, keys] of Object.entries(SERVICES)) {
  e2e(`exec, hooks and health checks are what the program is: ${what}`, async (project) => {
    writeFileSync(join(project.scratch, 'who'), SCRIPT, { mode: 0o755 });
    project.write(JSON.stringify(PROFILE), 'p.json');
    await run(['chmod', '777', project.scratch]);
    project.write(`services:
  web: {${keys}
    command: [sh, -c, '/out/who own; exec sleep infinity'],
    volumes: ['.:/out'],
    stop_grace_period: 1s,
    healthcheck: {test: [CMD, /out/who, health], interval: 1s},
    post_start: [{command: [/out/who, started]}],
    pre_stop: [{command: [/out/who, stopping]}]
  }
`);
    await project.expect(0, 'up', '-d', '--wait');
    // What is written here is no longer what the container was started with.
    project.write('{"defaultAction":"SCMP_ACT_KILL"}', 'p.json');
    await project.expect(0, 'exec', '-T', 'web', '/out/who', 'executed');
    await project.expect(0, 'stop');
    const text = (name: string) => readFileSync(join(project.scratch, name), 'utf8');
    await until('the last hook', async () => existsSync(join(project.scratch, 'stopping')));
    assert.match(text('own'), what === 'privileged' ? /^Seccomp_filters:\t0$/m : /^Seccomp_filters:\t1$/m);
    for (const name of ['executed', 'health', 'started', 'stopping']) assert.equal(text(name), text('own'), name);
  });
}
