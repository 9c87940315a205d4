import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ask } from '../../daemon/ask.ts';
import { e2e, type Project } from '../../helpers/e2e.ts';
import { withBase } from '../../helpers/e2e-images.ts';
import { HttpRegistry, respond, testImage } from '../../helpers/http-registry.ts';
import { run } from '../../helpers/run.ts';

const SOCKET = `${process.env['TSSTACK_RUN_DIR'] ?? '/run/tsstack'}/daemon.sock`;
/** In parts: this file's own text is not to be found. */
const CANARY = ['qv8', 'canary', process.pid].join('-');
/** What nobody keeps but the container that it is for, and what is in the records of the stack. */
const SECRETS = ['file', 'variable', 'built', 'builtVariable', 'registry'] as const;
const KEPT = ['environment', 'config', 'hook'] as const;
const canary = (what: (typeof SECRETS | typeof KEPT)[number]) => `${CANARY}-${what}-`;
const FOUND = new RegExp(`${CANARY}-(\\w+)-`, 'g');
const TOPS = ['/var/lib/tsstack', '/run/tsstack', '/run/tsstack-serve'];

/** Looks at every process of the machine over and over, until it is told to stop; gives what it saw. */
function watchProcesses(): () => Promise<readonly string[]> {
  const seen = new Set<string>();
  let stopped = false;
  const look = () => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const file of ['cmdline', 'environ']) {
        try {
          const text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
          if (!text.includes(CANARY) || isContained(pid)) continue;
          seen.add(
            `${file} of ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}: ${whatOf(text)}`,
          );
        } catch {
          // It has ended.
        }
      }
    }
  };
  const watching = (async () => {
    while (!stopped) {
      look();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    look();
  })();
  return async () => {
    stopped = true;
    await watching;
    return [...seen];
  };
}

/** Whether a process has mounts of its own: what is executed in a container, and nothing of the host, may have its variables. */
function isContained(pid: string): boolean {
  return readlinkSync(`/proc/${pid}/ns/mnt`) !== readlinkSync('/proc/self/ns/mnt');
}

function whatOf(text: string): string {
  return [...new Set([...text.matchAll(FOUND)].map(([, what]) => what))].toSorted().join(' ');
}

interface Holder {
  readonly path: string;
  readonly what: string;
  readonly mode: number;
}

/** Files below a directory that hold a canary. */
function holders(directory: string): readonly Holder[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return holders(path);
    if (!entry.isFile()) return [];
    const what = whatOf(readFileSync(path, 'latin1'));
    return what === '' ? [] : [{ path, what, mode: statSync(path).mode & 0o777 }];
  });
}

e2e(
  'no secret of a service, a build or a registry, and no value of env_file, is where others of the machine could read it',
  (project) =>
    withBase(project, async (base) => {
      const control = watchProcesses();
      await run(['sleep', '0.2'], { env: { VALUE: canary('file') } });
      assert.match((await control()).join('\n'), /^environ of sleep .*: file$/m, 'one that has it is seen');

      const registry = await registryWithPassword();
      const processes = watchProcesses();
      let said = '';
      const tsstack = async (args: readonly string[], stdin?: string) => {
        const { status, stdout, stderr } = await project.tsstack(args, stdin === undefined ? {} : { stdin });
        said += stdout + stderr;
        assert.equal(status, 0, `${args.join(' ')}\n${stdout}${stderr}`);
      };
      try {
        project.env['DOCKER_CONFIG'] = join(project.scratch, 'docker');
        writeStack(project, base, registry.host);
        await tsstack(['login', '-u', 'ann', '--password-stdin', registry.host], `${canary('registry')}\n`);
        assert.equal(statSync(join(project.scratch, 'docker/config.json')).mode & 0o777, 0o600);
        await tsstack(['pull', 'pulled']);
        await tsstack(['build', '--progress', 'plain', 'web']);
        await tsstack(['up', '-d', '--wait', 'web']);
        assert.match(await project.logs('web'), /^4 found$/m, 'the container has all that is for it');
        await tsstack(['restart', '-t', '0', 'web']);
        for (const command of [
          ['ps', '-a'],
          ['logs'],
          ['events', '--until', '0s'],
          ['ls', '-a'],
          ['images'],
          ['top'],
        ]) {
          await tsstack(command);
        }
        assert.equal(whatOf(said), '', said);
        await assertHidden(project);
        await tsstack(['stop', 'web']);
        assert.deepEqual(await processes(), []);
      } finally {
        await processes();
        await registry.close();
      }
    }),
);

async function assertHidden(project: Project): Promise<void> {
  const found = TOPS.flatMap(holders);
  assert.ok(found.length > 0, 'it is looked where they could be');
  // A config is the file that the container has, with the mode that it has there; its directory is closed.
  const open = ({ path, mode }: Holder) =>
    mode & (/\/configs\/\d+$/.test(path) ? statSync(dirname(path)).mode : mode) & 0o077;
  const wrong = found.filter((each) => SECRETS.some((what) => each.what.split(' ').includes(what)) || open(each) !== 0);
  assert.deepEqual(wrong, []);
  const body = { selector: { stack: project.name }, services: [] };
  // That is where one looks for the environment of a container.
  const { text } = await ask(SOCKET, { path: '/v1/inspect', body });
  assert.equal(whatOf(text), 'environment hook');
  for (const question of [
    { path: '/v1/images', body },
    { path: '/v1/top', body },
    { path: '/v1/stacks' },
    { path: `/v1/stacks/${project.name}/containers` },
  ]) {
    assert.equal(whatOf((await ask(SOCKET, question)).text), '', question.path);
  }
}

async function registryWithPassword(): Promise<HttpRegistry> {
  const registry = await HttpRegistry.start();
  registry.addImage('app', '1', testImage([Buffer.from('no layer')]));
  const expected = `Basic ${Buffer.from(`ann:${canary('registry')}`).toString('base64')}`;
  registry.handler = ({ headers }, response) =>
    headers.authorization !== expected && respond(401, { 'www-authenticate': 'Basic realm="test"' })(response);
  return registry;
}

function writeStack(project: Project, base: string, registry: string): void {
  project.write(`VARIABLE=${canary('variable')}\nBUILT=${canary('builtVariable')}\n`, '.env');
  project.write(`ENVIRONMENT=${canary('environment')}\n`, 'app.env');
  project.write(canary('file'), 'token');
  project.write(canary('built'), 'built');
  project.write(
    `FROM ${base}
RUN --mount=type=secret,id=built --mount=type=secret,id=built_variable,env=TOKEN grep -q canary /run/secrets/built && echo $TOKEN | grep -q canary
`,
    'Dockerfile',
  );
  const count = 'cat /run/secrets/token /run/secrets/variable /config; echo $$ENVIRONMENT';
  project.write(`services:
  web:
    build: { context: ., secrets: [built, built_variable] }
    command: [sh, -c, '{ ${count}; } | grep -o canary | wc -l | sed "s/$$/ found/"; exec sleep infinity']
    env_file: [./app.env]
    init: false
    network_mode: none
    stop_grace_period: 0s
    secrets: [token, variable]
    configs: [{ source: config, target: /config }]
    healthcheck: { test: [CMD-SHELL, 'test -n "$$ENVIRONMENT"'], interval: 1s }
    post_start: [{ command: [sh, -c, 'echo $$HOOK | grep -q canary'], environment: ['HOOK=${canary('hook')}'] }]
    pre_stop: [{ command: ['true'], environment: ['HOOK=${canary('hook')}'] }]
  pulled:
    image: ${registry}/app:1
    profiles: [pulled]
secrets:
  token: { file: ./token }
  variable: { environment: VARIABLE }
  built: { file: ./built }
  built_variable: { environment: BUILT }
configs:
  config: { content: '${canary('config')}' }
`);
}
