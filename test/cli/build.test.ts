import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failedStack } from '../../src/cli/build/failed-shell.ts';
import { loadStack } from '../../src/spec/load.ts';
import { fakeDaemon, ndjson } from './fake-daemon.ts';
import { cli, withFiles } from './run-cli.ts';

const STACK = `services:
  web: {build: {context: web, args: {A: file}, additional_contexts: {base: "service:base"}}, depends_on: [db]}
  db: {build: db}
  base: {profiles: [never], build: {context: ., dockerfile_inline: "FROM scratch"}}
  plain: {image: x}
`;
const FILES = { 'stack.yaml': STACK, 'web/Dockerfile': 'FROM base AS one\nRUN x\n', 'db/Dockerfile': 'FROM scratch\n' };
const RESULT = {
  built: [{ service: 'web', id: 'sha256:abc', names: ['demo-web', 'x:1'] }],
  pushed: [{ name: 'x:1', digest: 'sha256:d', uploadedBytes: 1024 }],
};

interface Asked {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly sent: readonly Record<string, unknown>[];
}

interface Surroundings {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The last event. */
  readonly end?: unknown;
}

/** Runs `build` against a daemon that answers with `end`. */
async function build(words: readonly string[], { files = FILES, env = {}, end }: Surroundings = {}): Promise<Asked> {
  const events = [end ?? { type: 'done', result: RESULT }];
  const daemon = await fakeDaemon({ 'POST /v1/build': (_body, response) => ndjson(response, events) });
  try {
    let answer: Omit<Asked, 'sent'> = { status: undefined, stdout: '', stderr: '' };
    await withFiles(files, async (directory) => {
      const all = { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state, ...env };
      const { status, stdout, stderr } = await cli(
        directory,
        ['-p', 'demo', '-f', 'stack.yaml', 'build', ...words],
        all,
      );
      answer = { status: status ?? undefined, stdout, stderr };
    });
    return { ...answer, sent: daemon.requests.map(({ body }) => body as Record<string, unknown>) };
  } finally {
    await daemon.close();
  }
}

describe('tsstack build', () => {
  it('sends what it was asked for, and prints what was built', async () => {
    const words = ['--no-cache', '--pull', '--build-arg', 'A=1', '--build-arg', 'MINE', '--build-arg', 'GONE'];
    const more = ['--target', 'one', '--ssh', 'default', '--ssh', 'key=/id', '--push', '--with-dependencies', 'web'];
    const env = { MINE: 'm', SSH_AUTH_SOCK: '/agent' };
    const { status, stdout, sent } = await build([...words, ...more], { env });
    assert.equal(status, 0);
    assert.equal(stdout, 'web sha256:abc demo-web x:1\nx:1 sha256:d 1 KiB sent\n');
    const { load, requestId: _, ...rest } = sent[0] ?? {};
    assert.deepEqual((load as { services: unknown }).services, ['web']);
    assert.deepEqual(rest, {
      withDependencies: true,
      noCache: true,
      pull: true,
      args: { A: '1', MINE: 'm' },
      ssh: { default: '/agent', key: '/id' },
      // There is no terminal to look round with.
      keepFailed: false,
      push: true,
      target: 'one',
    });
  });

  it('prints only ids with -q, and events with --json', async () => {
    assert.equal((await build(['-q'])).stdout, 'sha256:abc\n');
    assert.equal((await build(['--progress', 'quiet'])).stdout, 'sha256:abc\n');
    const { stdout } = await build(['--json']);
    assert.deepEqual(JSON.parse(stdout), { type: 'done', result: RESULT });
    const { stderr } = await build(['--progress', 'json']);
    assert.deepEqual(JSON.parse(stderr), { type: 'done', result: RESULT });
  });

  for (const words of ['--progress fast', '--ssh default', '--print --check', '--print --push', '--build-arg =x']) {
    it(`${words} is refused before anything is asked of the daemon`, async () => {
      const { status, sent, stderr } = await build(words.split(' '));
      assert.deepEqual([status, sent], [2, []], stderr);
    });
  }

  it('a failed build shows what led to it, and ends with 1', async () => {
    const error = { code: 'build-failed', message: '"RUN x" ended with status 3', details: ['sh: x: not found'] };
    const { status, stderr } = await build(['--shell-on-failure', 'web'], { end: { type: 'failed', error } });
    assert.equal(status, 1);
    assert.match(stderr, /sh: x: not found\nerror: "RUN x" ended with status 3/);
  });

  it('a Dockerfile with errors shows their places, and ends with 1', async () => {
    const position = { file: '/web/Dockerfile', line: 2, column: 1, length: 1, end: { line: 2, column: 2 } };
    const diagnostics = [{ severity: 'error', code: 'dockerfile', message: 'no such instruction', position }];
    const error = { code: 'invalid-dockerfile', message: '1 error in the Dockerfile', diagnostics };
    const { status, stderr } = await build([], { end: { type: 'failed', error } });
    assert.equal(status, 1);
    assert.match(stderr, /\/web\/Dockerfile:2:1: error: no such instruction/);
    assert.match(stderr, /1 error in the Dockerfile/);
  });
});

describe('tsstack build --print', () => {
  it('prints the builds of the named services and of those whose image they take', async () => {
    const { status, stdout, sent } = await build(['--print', '--build-arg', 'A=2', '--no-cache', 'web']);
    assert.deepEqual([status, sent], [0, []]);
    const builds = JSON.parse(stdout) as { service: string; names: unknown; build: Record<string, unknown> }[];
    assert.deepEqual(
      builds.map(({ service, names }) => [service, names]),
      [
        ['base', ['demo-base']],
        ['web', ['demo-web']],
      ],
    );
    assert.deepEqual(builds[1]?.build['args'], { A: '2' });
    assert.equal(builds[1]?.build['noCache'], true);
    const all = JSON.parse((await build(['--print'])).stdout) as { service: string }[];
    assert.deepEqual(
      all.map(({ service }) => service),
      ['base', 'db', 'web'],
    );
    const needed = JSON.parse((await build(['--print', '--with-dependencies', 'web'])).stdout) as { service: string }[];
    assert.equal(needed.length, 3);
  });
});

describe('tsstack build --check', () => {
  it('says nothing of Dockerfiles that are right', async () => {
    const { status, stderr, sent } = await build(['--check']);
    assert.deepEqual([status, stderr, sent], [0, '', []]);
  });

  it('names every mistake with its place and the line', async () => {
    const files = { ...FILES, 'web/Dockerfile': 'FROM base\nRUNN x\nCOPY a\n', 'db/Dockerfile': 'RUN x\n' };
    const { status, stderr } = await build(['--check'], { files });
    assert.equal(status, 1);
    assert.match(stderr, /web\/Dockerfile:2:1: error: .*RUNN/);
    assert.match(stderr, /2 \| >>> RUNN x/);
    assert.match(stderr, /web\/Dockerfile:3:6: error/);
    assert.match(stderr, /db\/Dockerfile:1:1: error/);
    const { stdout } = await build(['--check', '--format', 'json'], { files });
    assert.ok((JSON.parse(stdout) as unknown[]).length >= 3);
  });

  it('knows a target that is not there, and a Dockerfile that is missing', async () => {
    const { status, stderr } = await build(['--check', '--target', 'two', 'web'], {
      files: { 'stack.yaml': STACK, 'web/Dockerfile': 'FROM scratch AS one\n' },
    });
    assert.equal(status, 1);
    assert.match(stderr, /web\/Dockerfile: The Dockerfile has no stage "two"/);
    const { stderr: missing } = await build(['--check', 'db'], { files: { 'stack.yaml': STACK } });
    assert.match(missing, /db: .*db\/Dockerfile/);
  });
});

describe('a shell in a failed state', () => {
  it('has the environment, directory and user of the step, letter for letter', () => {
    const env = { PATH: '/bin', PRICE: '$5 ${HOME} $$', QUOTE: '"' };
    const failed = { id: `sha256:${'a'.repeat(64)}`, service: 'web', env, workingDir: '/src', user: '1:2' };
    const { stack } = loadStack(failedStack(failed, 'failed-build-1'));
    const service = stack.services['failed'];
    assert.ok(service !== undefined);
    assert.equal(stack.name, 'failed-build-1');
    assert.deepEqual({ ...service.environment }, env);
    assert.deepEqual(service.source, { type: 'reference', reference: failed.id });
    assert.deepEqual([service.entrypoint, service.command], [['/bin/sh'], []]);
    assert.deepEqual([service.workingDir, service.user, service.pullPolicy], ['/src', '1:2', 'never']);
  });

  it('is root in / where nothing else is said', () => {
    const { stack } = loadStack(failedStack({ id: 'sha256:a', service: 'w', env: {}, workingDir: '', user: '' }, 'x'));
    assert.deepEqual([stack.services['failed']?.workingDir, stack.services['failed']?.user], [undefined, undefined]);
  });
});
