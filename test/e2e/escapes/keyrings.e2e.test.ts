import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { attackPath, PERL, writeAttack } from '../../helpers/attack.ts';
import { e2e } from '../../helpers/e2e.ts';
import { run, until } from '../../helpers/run.ts';

const SOCKET = `${process.env['TSSTACK_RUN_DIR'] ?? '/run/tsstack'}/daemon.sock`;

/** Goes on as a command with a session keyring of its own that has a key; keyctl(2): KEYCTL_JOIN_SESSION_KEYRING is 1. */
const WITH_KEY = `my $name = shift @ARGV;
sys('keyctl', 1, 0) or do { print "no keys: $!\\n"; exit 77 };
sys('add_key', 'user', $name, 'secret', 6, -3) or die "add_key: $!";
exec @ARGV;
`;
/** KEYCTL_SEARCH is 10, KEYCTL_READ 11, the session keyring -3. */
const FIND_KEY = `my $key = result('keyctl', 10, -3, 'user', $ARGV[0], 0);
print $key == -1 ? "none: $!\\n" : "key $key\\n";
my $asked = result('request_key', 'user', $ARGV[0], 0, 0);
print $asked == -1 ? "none: $!\\n" : "key $asked\\n";
`;

e2e(
  'no container has the session keyring of who started it, of the daemon, or of another container, even without a filter',
  async (project) => {
    const name = `${project.name}-key`;
    writeAttack(project, 'with-key.pl', WITH_KEY);
    writeAttack(project, 'find-key.pl', FIND_KEY);
    const services = ['one', 'two'].map(
      (service) => `  ${service}:
    command: [sleep, infinity]
    stop_grace_period: 0s
    security_opt: ['seccomp=unconfined']
    volumes: ['./find-key.pl:/find-key.pl:ro', './with-key.pl:/with-key.pl:ro']
    healthcheck: { test: [CMD-SHELL, '${PERL} /find-key.pl ${name} >/tmp/health'], interval: 1s }
`,
    );
    project.write(`services:\n${services.join('')}  job:
    command: [${PERL}, /find-key.pl, ${name}]
    security_opt: ['seccomp=unconfined']
    volumes: ['./find-key.pl:/find-key.pl:ro']
`);
    await until('no daemon to run', () => !existsSync(SOCKET));
    const withKey = (...args: readonly string[]) =>
      run([PERL, attackPath(project, 'with-key.pl'), name, ...args], { cwd: project.scratch });
    const control = await withKey(PERL, attackPath(project, 'find-key.pl'), name);
    if (control.status === 77) return;
    assert.match(control.stdout, /^key \d+\nkey \d+\n$/, 'the key can be found where it is');

    const up = await withKey(...project.argv(['up', '-d', '--wait', 'one', 'two']));
    assert.equal(up.status, 0, up.stderr);
    const NONE = /^none: .*\nnone: .*\n$/;
    const find = ['exec', '-T', 'one', PERL, '/find-key.pl', name];
    assert.match((await withKey(...project.argv(find))).stdout, NONE, 'exec');
    assert.match(await project.expect(0, 'exec', 'one', 'cat', '/tmp/health'), NONE, 'a health check');
    const job = await withKey(...project.argv(['run', '--rm', 'job']));
    assert.match(job.stdout, NONE, 'a one-off');
    const held = await project.expect(0, 'exec', 'two', PERL, '/with-key.pl', name, PERL, '/find-key.pl', name);
    assert.match(held, /^key \d+\nkey \d+\n$/, 'a key of its own');
    assert.match(await project.expect(0, ...find), NONE, 'a key of another container');
  },
  { needs: [PERL] },
);
