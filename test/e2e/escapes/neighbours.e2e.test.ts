import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { assertHeld, PERL, writeAttack } from '../../helpers/attack.ts';
import { e2e } from '../../helpers/e2e.ts';
import { run, until } from '../../helpers/run.ts';

const KEY = 0x7473;

/** The other container has something of each kind that a namespace must hide, and a socket with an abstract name. */
const VICTIM = `sys('shmget', ${KEY}, 4096, 01666) or die "shmget: $!";
sys('semget', ${KEY}, 1, 01666) or die "semget: $!";
sys('mq_open', $ARGV[1], 0102, 0666, 0) or die "mq_open: $!";
put('/dev/shm/secret', "secret\\n") or die "/dev/shm: $!";
socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
bind($s, pack('S a*', AF_UNIX, "\\0$ARGV[0]")) && listen($s, 1) or die "bind: $!";
print "ready\\n"; sleep 1 while 1;
`;

for (const { what, keys } of [
  { what: 'a container', keys: '' },
  { what: 'a container with a user namespace', keys: '    userns_mode: auto\n' },
]) {
  e2e(
    `${what} reaches no process, memory, socket, queue or message of another one or of the machine`,
    async (project) => {
      const socket = `${project.name}-abstract`;
      const listener = createServer((each) => each.destroy()).listen(`\0${socket}`);
      const outside = spawn('sleep', ['1000'], { stdio: 'ignore' });
      try {
        await once(listener, 'listening');
        writeAttack(project, 'victim.pl', VICTIM);
        writeAttack(project, 'neighbour.pl');
        const service = (name: string) => `  ${name}:
${keys}    command: [${PERL}, /attack.pl, ${socket}-of-victim, ${project.name}]
    volumes: ['./${name}.pl:/attack.pl:ro']
    stop_grace_period: 0s
`;
        project.write(`services:
${service('victim')}  attacker:
${keys}    command: [sleep, infinity]
    volumes: ['./neighbour.pl:/attack.pl:ro']
    stop_grace_period: 0s
`);
        await project.expect(0, 'up', '-d');
        await until('the victim to be ready', async () => /^ready$/m.test(await project.logs('victim')));
        const victim = await project.container('victim');
        const pids = [victim.pid, outside.pid, process.pid].join();
        for (const name of [socket, `${socket}-of-victim`]) {
          const argv = [PERL, '/attack.pl', pids, name, String(KEY), project.name];
          assertHeld(await project.expect(0, 'exec', 'attacker', ...argv), 22);
        }
        // It ends all that it can, itself and what else was executed there included.
        await project.tsstack(['exec', 'attacker', 'sh', '-c', 'kill -9 -1']);
        assert.equal((await project.container('victim')).pid, victim.pid);
        assert.equal((await project.container('attacker')).status, 'running');
        assert.equal(outside.exitCode ?? outside.signalCode, null);
        assert.equal((await run(['sh', '-c', `kill -0 ${victim.pid}`])).status, 0);
      } finally {
        outside.kill();
        listener.close();
      }
    },
    { needs: [PERL] },
  );
}
