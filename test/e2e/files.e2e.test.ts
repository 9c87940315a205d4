import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, type Project } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

const ROOT = '/run/tsstack-secrets';
/** Nothing else on the machine holds these words. */
const FILE_SECRET = 'qv9-file-secret-zx';
const ENVIRONMENT_SECRET = 'qv9-environment-secret-zx';

const STACK = `
services:
  web:
    command: [sleep, infinity]
    init: false
    KEYS
    configs:
      - plain
      - source: inline
        target: /etc/deep/er/inline.conf
        mode: 0440
        uid: "33"
        gid: "44"
      - source: variable
        target: relative/variable
    secrets:
      - token
      - source: password
        target: db/password
        uid: "1000"
        mode: 0400
      - source: password
        target: /srv/secret/password
configs:
  plain: {file: ./plain.conf}
  inline: {content: "colour=\${COLOUR}\\n"}
  variable: {environment: COLOUR}
secrets:
  token: {file: ./token}
  password: {environment: DB_PASSWORD}
`;

function prepare(project: Project, keys = ''): void {
  project.env['COLOUR'] = 'red';
  project.env['DB_PASSWORD'] = ENVIRONMENT_SECRET;
  project.write('plain text\n', 'plain.conf');
  project.write(FILE_SECRET, 'token');
  project.write(STACK.replace('KEYS', keys));
}

/** `uid:gid mode content` of a file in the container, as root in there sees it. */
async function seen(project: Project, path: string): Promise<string> {
  const [, ids = ''] = /^(\S+)\n/.exec(await project.expect(0, 'exec', 'web', 'stat', '-c', '%u:%g,%a', path)) ?? [];
  return `${ids} ${await project.expect(0, 'exec', 'web', 'cat', path)}`;
}

async function assertSeen(project: Project): Promise<void> {
  assert.equal(await seen(project, '/plain'), '0:0,444 plain text\n');
  assert.equal(await seen(project, '/etc/deep/er/inline.conf'), '33:44,440 colour=red\n');
  assert.equal(await seen(project, '/relative/variable'), '0:0,444 red');
  assert.equal(await seen(project, '/run/secrets/token'), `0:0,444 ${FILE_SECRET}`);
  assert.equal(await seen(project, '/run/secrets/db/password'), `1000:0,400 ${ENVIRONMENT_SECRET}`);
  assert.equal(await seen(project, '/srv/secret/password'), `0:0,444 ${ENVIRONMENT_SECRET}`);
  for (const path of ['/plain', '/run/secrets/token']) {
    const { stderr } = await project.tsstack(['exec', 'web', 'sh', '-c', `echo x >${path}`]);
    assert.match(stderr, /[Rr]ead-only file system/);
  }
}

/** Every file below a directory that holds one of the secrets; what a container's overlay shows is not looked at twice. */
function holders(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return holders(path);
    if (!entry.isFile()) return [];
    const bytes = readFileSync(path);
    return [FILE_SECRET, ENVIRONMENT_SECRET].some((secret) => bytes.includes(secret)) ? [path] : [];
  });
}

function containersOf(project: Project): string[] {
  return existsSync(ROOT) ? readdirSync(ROOT).filter((name) => name.startsWith(`${project.name}.`)) : [];
}

/** Ends the daemon without a chance to clean up. */
async function killDaemon(): Promise<void> {
  const url = 'http://daemon/v1/version';
  const { stdout } = await run(['curl', '-sS', '--unix-socket', '/run/tsstack/daemon.sock', url]);
  const { pid } = JSON.parse(stdout) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await until('the daemon to be gone', async () => {
    const { stdout: state } = await run(['ps', '-o', 'stat=', '-p', String(pid)]);
    return state.trim() === '' || state.startsWith('Z');
  });
}

e2e('configs and secrets are files at their places, read-only, with owner and mode', async (project) => {
  prepare(project);
  await project.expect(0, 'up', '-d');
  await assertSeen(project);
  await project.expect(0, 'plan', '--check');
});

e2e('configs and secrets are the same in a read-only root, for a user, and in a user namespace', async (project) => {
  prepare(project, 'read_only: true\n    user: "1000:1000"\n    userns_mode: private');
  await project.expect(0, 'up', '-d');
  const asUser = ['exec', 'web', 'cat', '/run/secrets/db/password', '/run/secrets/token', '/plain'];
  assert.equal(await project.expect(0, ...asUser), `${ENVIRONMENT_SECRET}${FILE_SECRET}plain text\n`);
  // Mode 0440 of 33:44 is not for user 1000.
  assert.notEqual((await project.tsstack(['exec', 'web', 'cat', '/etc/deep/er/inline.conf'])).status, 0);
  const stat = await project.expect(0, 'exec', 'web', 'stat', '-c', '%u:%g', '/run/secrets/db/password', '/plain');
  assert.equal(stat, '1000:0\n0:0\n');
});

e2e('no secret is on a disk, in what commands say, or left when its container is gone', async (project) => {
  prepare(project);
  const said = [
    await project.expect(0, 'plan'),
    await project.expect(0, 'plan', '--json'),
    await project.expect(0, 'plan', '--script'),
  ];
  const up = await project.tsstack(['up', '-d']);
  assert.equal(up.status, 0, up.stderr);
  said.push(up.stdout, up.stderr, await project.expect(0, 'inspect'), await project.expect(0, 'logs'));
  for (const text of said) {
    assert.ok(!text.includes(FILE_SECRET), text);
    assert.ok(!text.includes(ENVIRONMENT_SECRET), text);
  }
  assert.deepEqual([...holders('/var/lib/tsstack'), ...holders('/run/tsstack')], []);
  assert.notEqual(statSync(ROOT).dev, statSync('/run').dev);
  assert.equal(statSync(ROOT).mode & 0o777, 0o700);
  assert.deepEqual(containersOf(project), [`${project.name}.web.1`]);

  project.write(STACK.replace('KEYS', '').replaceAll(/^ {4}secrets:\n( {6}.*\n)+/gm, ''));
  await project.expect(0, 'up', '-d');
  assert.deepEqual(containersOf(project), []);
});

e2e('changed content replaces the container, and the plan names what changed but not to what', async (project) => {
  prepare(project);
  await project.expect(0, 'up', '-d');
  const { pid } = await project.container('web');

  project.write('other text\n', 'plain.conf');
  project.env['DB_PASSWORD'] = 'qv9-another-zx';
  const plan = await project.expect(3, 'plan', '--check');
  assert.match(plan, /± .*service\.web/);
  assert.match(plan, /configs\.plain\.content +content of \S+plain\.conf changed/);
  assert.match(plan, /secrets\.password\.content +content changed/);
  assert.doesNotMatch(plan, /qv9|token|other text/);
  await project.expect(0, 'up', '-d');

  assert.notEqual((await project.container('web')).pid, pid);
  assert.equal(await seen(project, '/run/secrets/db/password'), '1000:0,400 qv9-another-zx');
  assert.equal(await seen(project, '/plain'), '0:0,444 other text\n');
  await project.expect(0, 'plan', '--check');
});

e2e('a restart needs neither the daemon, the files nor the environment that secrets came from', async (project) => {
  prepare(project);
  await project.expect(0, 'up', '-d');
  rmSync(join(project.scratch, 'token'));
  delete project.env['DB_PASSWORD'];
  await killDaemon();
  const { pid } = await project.container('web');
  await project.expect(0, 'restart');
  assert.notEqual((await project.container('web')).pid, pid);
  await assertSeen(project);
});

e2e(
  'a missing file, an unset variable and an external secret are said at once, and nothing is done',
  async (project) => {
    prepare(project);
    rmSync(join(project.scratch, 'plain.conf'));
    delete project.env['DB_PASSWORD'];
    project.write(STACK.replace('KEYS', '').replace('token: {file: ./token}', 'token: {external: true}'));
    const { status, stderr } = await project.tsstack(['up', '-d']);
    assert.equal(status, 1);
    assert.match(stderr, /configs\.plain cannot be read: .*plain\.conf does not exist \(.*stack\.yaml:\d+:\d+\)/);
    assert.match(stderr, /secrets\.password is the variable DB_PASSWORD, which is not set \(.*stack\.yaml:\d+:\d+\)/);
    assert.match(stderr, /secrets\.token is external, and there is no store that has it/);
    assert.deepEqual(await project.ps(), []);
  },
);
