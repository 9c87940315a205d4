import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { begin, type Session } from '../helpers/begin.ts';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { withBase } from '../helpers/e2e-images.ts';
import { residue, takeSnapshot } from '../helpers/residue.ts';
import { until } from '../helpers/run.ts';

const STAGING = `${process.env['TSSTACK_STATE_DIR'] ?? '/var/lib/tsstack'}/images/staging`;
const SOCKET = `${process.env['TSSTACK_RUN_DIR'] ?? '/run/tsstack'}/daemon.sock`;

/** Its second RUN goes on only with the secret `open`, which no cache key depends on. */
function writeStack(project: Project, base: string): void {
  project.write(`services:
  app:
    stop_signal: KILL
    build:
      secrets: [gate]
      dockerfile_inline: |
        FROM ${base}
        RUN echo first > /first
        RUN --mount=type=secret,id=gate test $$(cat /run/secrets/gate) = open || { echo waiting; sleep 1000; }
        RUN echo last > /last
secrets: {gate: {file: ./gate}}
`);
  project.write('shut', 'gate');
}

interface Waiting {
  readonly session: Session;
  /** Of the RUN. */
  readonly stack: string;
}

/** A build from the moment at which its second RUN waits for ever. */
async function waiting(project: Project): Promise<Waiting> {
  const session = begin(project, ['build'], { terminal: false });
  await until('the RUN to wait', () => /\| waiting/.test(session.told()));
  return { session, stack: await buildStack(project) };
}

async function buildStack(project: Project): Promise<string> {
  const { stdout } = await project.tsstack(['ls', '-q']);
  const [name, ...more] = stdout.split('\n').filter((each) => each.startsWith('tsstack-build-'));
  assert.ok(name !== undefined && more.length === 0, stdout);
  return name;
}

/** Nobody asks the daemon for anything any more: it ends, and nothing of a build is there. */
async function nothingLeft(before: ReadonlySet<string>): Promise<void> {
  await until('the daemon to end by itself', () => !existsSync(SOCKET), 20_000);
  await until('nothing to be left', async () => {
    const left = residue(before, await takeSnapshot());
    if (left.length > 0) throw new Error(left.join('\n'));
    return true;
  });
  assert.deepEqual(readdirSync(STAGING), []);
}

/** The step before is taken from the cache, and the image is whole. */
async function buildsWhatIsLeft(project: Project): Promise<void> {
  project.write('open', 'gate');
  const built = await project.tsstack(['up', '-d']);
  assert.equal(built.status, 0, built.stderr);
  assert.equal([...built.stderr.matchAll(/ CACHED/g)].length, 1, built.stderr);
  assert.match(built.stderr, /echo first.* CACHED$/m);
  assert.equal(await project.expect(0, 'exec', '-T', 'app', 'cat', '/first', '/last'), 'first\nlast\n');
}

e2e(
  'a build whose daemon is killed in a RUN leaves nothing after the next command, and goes on from the cache',
  (project) =>
    withBase(project, async (base) => {
      writeStack(project, base);
      const before = await takeSnapshot();
      const { session, stack } = await waiting(project);
      const [run] = await containers(project, stack);
      await killDaemon(project);
      assert.equal(await session.status, 1);
      assert.ok(existsSync(`/proc/${run?.pid}`), 'the RUN goes on without a daemon');
      assert.notDeepEqual(readdirSync(STAGING), []);
      await project.expect(0, 'ls');
      await nothingLeft(before);
      await buildsWhatIsLeft(project);
    }),
);

e2e('a build whose client is killed is cancelled and its RUN ends; the next one goes on from the cache', (project) =>
  withBase(project, async (base) => {
    writeStack(project, base);
    const before = await takeSnapshot();
    const { session } = await waiting(project);
    session.child.kill('SIGKILL');
    await session.status;
    await nothingLeft(before);
    await buildsWhatIsLeft(project);
  }),
);

e2e(
  'the stack of a RUN is one like others to ls, ps, logs, events, stop, restart and down: the build fails and says why',
  (project) =>
    withBase(project, async (base) => {
      writeStack(project, base);
      const before = await takeSnapshot();
      for (const command of ['down', 'stop', 'kill', 'rm', 'restart']) {
        const { session, stack } = await waiting(project);
        const [run, ...more] = await containers(project, stack);
        assert.deepEqual([run?.service, run?.status, more.length], ['run', 'running', 0]);
        const on = (...args: readonly string[]) => project.tsstack(['-p', stack, ...args]);
        assert.match((await on('logs')).stdout, /waiting/);
        const force = command === 'rm' ? ['-fs'] : [];
        const ended = await on(command, ...force);
        assert.equal(ended.status, 0, `${command}: ${ended.stderr}`);
        assert.equal(await session.status, 1, session.told());
        const events = await on('events', '--since', '5m', '--until', '0s');
        assert.equal(events.status, 0, events.stderr);
        assert.match(events.stdout, /start/);
        const why =
          /error: (dockerfile_inline:3: RUN .* ended with exit status 137|The container of the step was removed)/;
        assert.match(session.told(), why);
        assert.doesNotMatch(await project.expect(0, 'ls', '-a'), /tsstack-build/);
      }
      await nothingLeft(before);
      await buildsWhatIsLeft(project);
    }),
);

async function containers(
  project: Project,
  stack: string,
): Promise<readonly { service: string; pid?: number; status: string }[]> {
  const { stdout } = await project.tsstack(['-p', stack, 'ps', '-a', '--format', 'json']);
  return stdout.trimStart().startsWith('[')
    ? JSON.parse(stdout)
    : stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
}
