import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, freePort, type Project } from '../helpers/e2e.ts';

// What Compose's own end-to-end suite shows of run, exec and the environment; docs/scenarios.md has its table.

const SLEEP = 'command: [sleep, infinity]';

async function states(project: Project): Promise<readonly string[]> {
  return (await project.ps()).map(({ service, oneOffOf, status }) => `${oneOffOf ?? service} ${status}`);
}

/** Standard output of a `run` without its container afterwards. */
function runOnce(project: Project, ...args: string[]): Promise<string> {
  return project.expect(0, 'run', '--rm', '-T', '--quiet', ...args);
}

e2e(
  'TestComposeRun: the own command or another, dependencies, --rm, --volume, --env, --env-from-file',
  async (project) => {
    project.write(`services: {back: {command: [echo, Hello there!!], depends_on: [db]}, db: {${SLEEP}}}\n`);
    const first = await project.tsstack(['run', '-T', 'back']);
    assert.equal(first.stdout, 'Hello there!!\n');
    assert.doesNotMatch(first.stderr, /orphan|no longer in the stack file/);
    assert.deepEqual(await states(project), ['back exited', 'db running']);
    // The first one-off is none of this stack's past: Compose calls it an orphan, we do not.
    const second = await project.tsstack(['run', '-T', 'back', 'echo', 'Hello again']);
    assert.equal(second.stdout, 'Hello again\n');
    assert.doesNotMatch(second.stderr, /no longer in the stack file/);
    assert.equal(await runOnce(project, 'back', 'echo', 'third'), 'third\n');
    assert.deepEqual(await states(project), ['back exited', 'back exited', 'db running']);
    project.write('shown', 'file');
    assert.equal(await runOnce(project, '--volume', `${project.scratch}:/foo`, 'back', 'cat', '/foo/file'), 'shown');
    project.write('FOO=BAR\n', 'run.env');
    assert.match(await runOnce(project, '--env-from-file', 'run.env', 'back', 'env'), /^FOO=BAR$/m);
    assert.match(await runOnce(project, '--env', 'FOO=BAZ', 'back', 'env'), /^FOO=BAZ$/m);
  },
);

e2e('TestComposeRunPorts: ports are published only with --publish or --service-ports', async (project) => {
  const [own, other] = [await freePort(), await freePort()];
  project.write(`services: {back: {${SLEEP}, ports: ['${own}:80'], stop_grace_period: 0s}}\n`);
  const published = async (...args: string[]) => {
    const name = (await project.expect(0, 'run', '-d', ...args)).trim();
    const found = (await project.ps()).find((each) => each.name === name);
    await project.expect(0, 'rm', '-fs', name);
    return found?.ports.map(({ hostPort, containerPort }) => [hostPort, containerPort]);
  };
  assert.deepEqual(await published('back'), []);
  assert.deepEqual(await published('--publish', `${other}:90`, 'back'), [[other, 90]]);
  assert.deepEqual(await published('--service-ports', 'back'), [[own, 80]]);
});

e2e(
  'TestComposeRunDeps, TestComposeRunNotRequiredDeps: what is needed is started, and nothing else',
  async (project) => {
    project.write(`services:
  service_a: {command: [echo, a], depends_on: [shared]}
  service_b: {command: [echo, b], depends_on: [shared]}
  optional: {command: [echo, ran], depends_on: {off: {condition: service_started, required: false}}}
  shared: {${SLEEP}}
  off: {${SLEEP}, profiles: [never]}
`);
    assert.equal(await runOnce(project, 'optional'), 'ran\n');
    assert.deepEqual(await states(project), []);
    assert.equal(await runOnce(project, 'service_a'), 'a\n');
    const [shared] = await project.ps();
    assert.deepEqual(await states(project), ['shared running']);
    assert.equal(await runOnce(project, '--no-deps', 'service_a'), 'a\n');
    assert.equal((await project.ps())[0]?.pid, shared?.pid);
  },
);

e2e(
  'TestLocalComposeExecOneOff: exec reaches a one-off where there is no replica; --index does not',
  async (project) => {
    project.write(`services: {simple: {${SLEEP}}}\n`);
    const name = (await project.expect(0, 'run', '-d', '-e', 'IS=one-off', 'simple')).trim();
    assert.equal(
      await project.expect(0, 'exec', '-T', 'simple', 'sh', '-c', 'tr "\\0" "\\n" </proc/1/environ | grep IS='),
      'IS=one-off\n',
    );
    const refused = await project.tsstack(['exec', '--index', '1', 'simple', 'true']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /"simple" \(replica 1\) has no running container/);
    await project.expect(0, 'up', '-d');
    assert.equal(
      (await project.tsstack(['exec', '-T', 'simple', 'sh', '-c', 'grep -c one-off /proc/1/environ'])).stdout,
      '0\n',
    );
    await project.expect(0, 'rm', '-fs', name);
  },
);

e2e(
  'TestEnvPriorityComposeEnvironment, TestUnsetEnv, TestCommentsInEnvFile: -e, the shell, the file, .env; a bare name',
  async (project) => {
    project.write(`services:
  show:
    command: [env]
    environment: {WHEREAMI: Compose File, COMMENT: '\${COMMENT}', NO_COMMENT: '\${NO_COMMENT}', EMPTY: }
`);
    project.write('WHEREAMI=Env File\nCOMMENT=1234 #5\nNO_COMMENT="1234#5"\n', '.env');
    const shown = await runOnce(project, 'show');
    assert.match(shown, /^WHEREAMI=Compose File$/m);
    assert.match(shown, /^COMMENT=1234$/m);
    assert.match(shown, /^NO_COMMENT=1234#5$/m);
    assert.doesNotMatch(shown, /^EMPTY=/m);
    const env = { WHEREAMI: 'shell', EMPTY: 'from the shell' };
    const bare = await project.tsstack(['run', '--rm', '-T', '-e', 'WHEREAMI', 'show'], { env });
    assert.match(bare.stdout, /^WHEREAMI=shell$/m);
    assert.match(bare.stdout, /^EMPTY=from the shell$/m);
    const given = await runOnce(project, '-e', 'WHEREAMI=given', '-e', 'EMPTY=hello', 'show');
    assert.match(given, /^WHEREAMI=given$/m);
    assert.match(given, /^EMPTY=hello$/m);
  },
);

e2e(
  'TestRawEnvFile, TestRunEnvFile, TestEnvInterpolationDefaultValue: env_file raw and relative; .env with defaults',
  async (project) => {
    mkdirSync(join(project.scratch, 'sub'));
    project.write(`services:
  raw: {command: [env], env_file: [{path: raw.env, format: raw}]}
  profiled: {command: [env], profiles: [test], env_file: test.env}
  image: {command: [env], environment: {IMAGE: '\${IMAGE}'}}
`);
    project.write('TEST="$HOME \'quoted\'"\n', 'raw.env');
    project.write('FOO=BAR\n', 'test.env');
    project.write('IMAGE=default:${WHEREAMI:-EnvFileDefaultValue}\n', '.env');
    assert.match(await runOnce(project, 'raw'), /^TEST="\$HOME 'quoted'"$/m);
    const elsewhere = { cwd: join(project.scratch, 'sub') };
    const profiled = await project.tsstack(['run', '--rm', '-T', 'profiled'], elsewhere);
    assert.match(profiled.stdout, /^FOO=BAR$/m);
    assert.match(await project.expect(0, 'config', 'image'), /IMAGE: default:EnvFileDefaultValue/);
  },
);

e2e(
  'TestConfigFromEnv, TestSecretFromEnv, TestSecretFromInclude: files of every source, with owner and mode',
  async (project) => {
    mkdirSync(join(project.scratch, 'child'));
    project.write(`include: [{path: child/compose.yaml, env_file: [secret.env]}]
services:
  show:
    command: [sh, -c, 'cat /vars /inline /etc/custom; stat -c "%u %g %a" /run/secrets/bar; cat /run/secrets/bar']
    configs: [vars, inline, {source: file, target: /etc/custom}]
    secrets: [{source: secret, target: bar, uid: '1005', gid: '1005', mode: 0440}]
configs:
  vars: {environment: CONFIG}
  inline: {content: "This is from \${WHO}\\n"}
  file: {file: config.txt}
secrets: {secret: {environment: SECRET}}
`);
    project.write(
      'services: {included: {command: [cat, /run/secrets/mine], secrets: [mine]}}\nsecrets: {mine: {environment: MINE}}\n',
      'child/compose.yaml',
    );
    project.write("MINE='this-is-secret'\n", 'secret.env');
    project.write('from a file\n', 'config.txt');
    const env = { CONFIG: 'from the environment\n', WHO: 'inline', SECRET: 'BAR' };
    const shown = await project.tsstack(['run', '--rm', '-T', 'show'], { env });
    assert.equal(
      shown.stdout,
      'from the environment\nThis is from inline\nfrom a file\n1005 1005 440\nBAR',
      shown.stderr,
    );
    assert.equal((await project.tsstack(['run', '--rm', '-T', 'included'], { env })).stdout, 'this-is-secret');
  },
);
