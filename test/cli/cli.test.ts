import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { commandHelp } from '../../src/cli/help.ts';
import { PLAIN } from '../../src/cli/style.ts';
import type { Finished } from '../helpers/run.ts';
import { type FakeDaemon, fakeDaemon, json, ndjson, type Route } from './fake-daemon.ts';
import { cli } from './run-cli.ts';

/** Runs the client as a process of its own. */
function tsstack(daemon: FakeDaemon | undefined, argv: readonly string[], stdin = ''): Promise<Finished> {
  return cli('/', argv, daemon && { TSSTACK_RUN_DIR: daemon.paths.run, TSSTACK_STATE_DIR: daemon.paths.state }, stdin);
}

async function withDaemon(routes: Record<string, Route>, use: (daemon: FakeDaemon) => Promise<void>): Promise<void> {
  const daemon = await fakeDaemon(routes);
  try {
    await use(daemon);
  } finally {
    await daemon.close();
  }
}

/** What the tests look at of the requests' bodies. */
interface Sent {
  readonly load: { readonly stdin: string };
  readonly selector: { readonly load: { readonly files: readonly string[] } };
  readonly command: readonly string[];
  readonly tty: boolean;
}

const EMPTY_PLAN = { stack: 'demo', changes: [], steps: [], conflicts: [], warnings: [], orphans: [] };
const CHANGE = { address: 'service.web[1]', action: 'create', cause: 'not there yet', fields: [] };

describe('help', () => {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    it(`${name} --help has its summary, its options and an example that begins with the command`, async () => {
      const { command } = await load();
      assert.equal(command.name, name);
      const text = commandHelp(command, PLAIN);
      assert.ok(summary.length > 0 && text.startsWith(command.summary));
      for (const option of Object.keys(command.options)) assert.ok(text.includes(`--${option}`), option);
      assert.match(text, new RegExp(`Examples:\\n  tsstack .*\\b${name}\\b`));
      for (const { command: line } of command.examples) assert.match(line, new RegExp(`^tsstack .*\\b${name}\\b`));
    });
  }

  it('is there for every file in commands/', () => {
    const files = readdirSync(`${import.meta.dirname}/../../src/cli/commands`).map((file) => file.replace('.ts', ''));
    assert.deepEqual(files.sort(), Object.keys(COMMANDS).sort());
  });

  it('goes to standard output when asked for, before and after the command', async () => {
    for (const argv of [['--help'], ['help'], ['up', '--help'], ['--help', 'up'], ['help', 'up']]) {
      const { stdout, stderr, status } = await tsstack(undefined, argv);
      assert.deepEqual([status, stderr], [0, ''], argv.join(' '));
      assert.match(stdout, argv.includes('up') ? /Usage: tsstack up / : /Commands:\n/, argv.join(' '));
    }
  });
});

describe('usage errors', () => {
  it('end with 2, say what was meant and print nothing to standard output', async () => {
    const cases: [string[], RegExp][] = [
      [[], /Usage:/],
      [['pss'], /error: Unknown command "pss"\nhint: Did you mean "ps"\?/],
      [['ps', '--al'], /error: Unknown option --al\nhint: Did you mean --all\?/],
      [['ls', 'web'], /error: ls takes no arguments, got "web"/],
      [['ps', '--format', 'xml'], /error: ps cannot print the format "xml"\nhint: It has: table, json/],
      [['ls', '--format', 'table {{.Name}}'], /It has: table, json. Templates are not read: take --format json and jq/],
      [['exec', 'web'], /error: exec needs a service and a command/],
      [['stop', '-t', 'x'], /error: Option --timeout needs a number of seconds/],
    ];
    for (const [argv, message] of cases) {
      const { stdout, stderr, status } = await tsstack(undefined, argv);
      assert.deepEqual([status, stdout], [2, ''], argv.join(' '));
      assert.match(stderr, message);
    }
  });
});

describe('global options', () => {
  it('are the same before and after the command word, and lists are joined', async () => {
    await withDaemon(
      { 'POST /v1/plan': (_body, r) => json(r, { plan: EMPTY_PLAN, diagnostics: [] }) },
      async (daemon) => {
        const argvs = [
          ['-f', 'a.yaml', '-f', 'b.yaml', '-p', 'demo', '--profile', 'x', '--env-file', 'e', '--json', 'plan', 'web'],
          ['plan', 'web', '-f', 'a.yaml', '-f', 'b.yaml', '-p', 'demo', '--profile', 'x', '--env-file', 'e', '--json'],
          [
            '-f',
            'a.yaml',
            '--env-file=e',
            'plan',
            '-fb.yaml',
            'web',
            '--project-name=demo',
            '--profile=x',
            '--format=json',
          ],
        ];
        const outcomes = await Promise.all(argvs.map((argv) => tsstack(daemon, argv)));
        assert.equal(new Set(outcomes.map(({ stdout }) => stdout)).size, 1);
        const [first, ...others] = daemon.requests.map(({ body }) => body as { load: Record<string, unknown> });
        for (const { load } of others) assert.deepEqual(load, first?.load);
        assert.deepEqual(
          [first?.load['files'], first?.load['projectName'], first?.load['profiles'], first?.load['services']],
          [['a.yaml', 'b.yaml'], 'demo', ['x'], ['web']],
        );
      },
    );
  });

  it('give way to an option of the command that has the same letter', async () => {
    await withDaemon({ 'POST /v1/containers': (_body, r) => json(r, []) }, async (daemon) => {
      const { status } = await tsstack(daemon, ['-f', 'a.yaml', 'logs', '-t', '-n', '3']);
      assert.equal(status, 0);
      const [request] = daemon.requests;
      assert.deepEqual((request?.body as Sent | undefined)?.selector.load.files, ['a.yaml']);
    });
  });

  it('send a stack file that is read from standard input', async () => {
    await withDaemon(
      { 'POST /v1/plan': (_body, r) => json(r, { plan: EMPTY_PLAN, diagnostics: [] }) },
      async (daemon) => {
        await tsstack(daemon, ['-f', '-', 'plan'], 'services: {}\n');
        const [request] = daemon.requests;
        assert.equal((request?.body as Sent | undefined)?.load.stdin, 'services: {}\n');
      },
    );
  });

  it('name a stack without a file', async () => {
    await withDaemon({ 'POST /v1/containers': (_body, r) => json(r, []) }, async (daemon) => {
      await tsstack(daemon, ['-p', 'demo', 'ps']);
      assert.deepEqual(daemon.requests[0]?.body, { selector: { stack: 'demo' }, services: [] });
    });
  });
});

describe('plan', () => {
  it('--check ends with 3 when there are changes, with 0 when there are none', async () => {
    let changes: unknown[] = [CHANGE];
    const route: Route = (_body, r) => json(r, { plan: { ...EMPTY_PLAN, changes }, diagnostics: [] });
    await withDaemon({ 'POST /v1/plan': route }, async (daemon) => {
      assert.equal((await tsstack(daemon, ['plan', '--check'])).status, 3);
      assert.equal((await tsstack(daemon, ['plan'])).status, 0);
      changes = [];
      assert.equal((await tsstack(daemon, ['plan', '--check'])).status, 0);
    });
  });
});

describe('up -d', () => {
  it('prints plan and progress to standard error, and nothing to standard output', async () => {
    const events = [
      { type: 'plan', plan: { ...EMPTY_PLAN, changes: [CHANGE] } },
      { type: 'step-started', step: 's', stepType: 'start-container', address: 'service.web[1]' },
      { type: 'step-done', step: 's', durationMs: 120 },
      { type: 'done', result: { stack: 'demo', services: ['web'] } },
    ];
    await withDaemon({ 'POST /v1/up': (_body, r) => ndjson(r, events) }, async (daemon) => {
      const { stdout, stderr, status } = await tsstack(daemon, ['up', '-d']);
      assert.deepEqual([status, stdout], [0, '']);
      assert.match(stderr, /\+ service\.web\[1\] {2}not there yet[\s\S]*✔ service\.web\[1\] started 0\.12s\n$/);
      const asJson = await tsstack(daemon, ['up', '-d', '--json']);
      assert.deepEqual(
        asJson.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
        events,
      );
      assert.equal(asJson.stderr, '');
    });
  });

  it('ends with 1 when it failed, with 2 when the stack file is wrong, with 130 when it was cancelled', async () => {
    const diagnostics = [
      {
        severity: 'error',
        code: 'schema.unknown-key',
        message: 'unknown key "imgae"',
        hint: 'did you mean "image"?',
        position: { file: 'stack.yaml', line: 3, column: 5, length: 5 },
        excerpt: '3 |     imgae: x\n        ^^^^^',
      },
    ];
    const failures: [unknown, number, RegExp][] = [
      [
        { code: 'launch-failed', message: 'no such program', hint: 'install it' },
        1,
        /^error: no such program\nhint: install it\n$/,
      ],
      [
        { code: 'invalid-stack', message: '', diagnostics },
        2,
        /^stack.yaml:3:5: error: unknown key "imgae"\n3 \| {5}imgae: x\n {8}\^{5}\n {2}hint: did you mean "image"\?\nerror: 1 error in the stack file\n$/,
      ],
      [{ code: 'cancelled', message: 'cancelled' }, 130, /^error: cancelled\n$/],
    ];
    for (const [error, wanted, message] of failures) {
      await withDaemon({ 'POST /v1/up': (_body, r) => ndjson(r, [{ type: 'failed', error }]) }, async (daemon) => {
        const { stdout, stderr, status } = await tsstack(daemon, ['up', '-d']);
        assert.deepEqual([status, stdout], [wanted, '']);
        assert.match(stderr, message);
        const asJson = await tsstack(daemon, ['plan', '--json', '-f', 'x']);
        assert.equal(JSON.parse(asJson.stderr).code, 'not-found');
      });
    }
  });
});

describe('logs', () => {
  it('prints the log files of the containers, with prefixes or byte for byte', async () => {
    let state = '';
    const summary = (service: string) => ({
      service,
      index: 1,
      name: `demo-${service}-1`,
      logPath: `${state}/${service}`,
    });
    const route: Route = (_body, r) => json(r, ['web', 'db'].map(summary));
    await withDaemon({ 'POST /v1/containers': route }, async (daemon) => {
      state = daemon.paths.state;
      mkdirSync(state);
      writeFileSync(`${state}/web`, 'one\ntwo\n');
      writeFileSync(`${state}/db`, 'ready\n');
      writeFileSync(`${state}/web.index`, '0 1000\n');
      writeFileSync(`${state}/db.index`, '0 2000\n');
      assert.equal((await tsstack(daemon, ['logs'])).stdout, 'web-1  | one\nweb-1  | two\ndb-1   | ready\n');
      assert.equal((await tsstack(daemon, ['logs', '-n', '1', '--no-log-prefix'])).stdout, 'two\nready\n');
      const [first] = (await tsstack(daemon, ['logs', '--json'])).stdout.split('\n');
      assert.deepEqual(JSON.parse(first ?? ''), {
        container: 'demo-web-1',
        service: 'web',
        index: 1,
        timeMs: 1000,
        line: 'one',
      });
    });
  });
});

describe('exec', () => {
  const exec = (argv: readonly string[]): Record<string, Route> => ({
    'POST /v1/exec': (_body, r) => json(r, { argv, launcherBase64: Buffer.from('launcher bytes').toString('base64') }),
  });

  it('gives the program our standard streams and the launcher, which has no name, and passes its status on', async () => {
    await withDaemon(exec(['sh', '-c', 'cat; cat <&3; ls $(readlink /proc/self/fd/3) >&2; exit 7']), async (daemon) => {
      const { stdout, stderr, status } = await tsstack(daemon, ['exec', '-T', 'web', 'prog', '-f'], 'input\n');
      assert.deepEqual([stdout, status], ['input\nlauncher bytes', 7]);
      assert.match(stderr, /No such file|cannot access/);
      const sent = daemon.requests[0]?.body as Sent | undefined;
      assert.deepEqual([sent?.command, sent?.tty], [['prog', '-f'], false]);
      assert.deepEqual(
        readdirSync(daemon.paths.run).filter((name) => name.startsWith('exec-')),
        [],
      );
    });
  });

  it('gives 128 and the signal for a program that was killed', async () => {
    await withDaemon(exec(['sh', '-c', 'kill -9 $$']), async (daemon) => {
      assert.equal((await tsstack(daemon, ['exec', 'web', 'x'])).status, 137);
    });
  });

  it('relays a terminal', async () => {
    // The slave end of the master that comes in as descriptor 4, made the standard streams by the program itself.
    const program = [
      'import os, fcntl, sys, termios, struct',
      'fcntl.ioctl(4, 0x40045431, struct.pack("i", 0))',
      'slave = os.open(os.ptsname(4) if hasattr(os, "ptsname") else "/dev/pts/%d" % struct.unpack("i", fcntl.ioctl(4, 0x80045430, b"\\0" * 4))[0], os.O_RDWR | os.O_NOCTTY)',
      'os.close(4)',
      'line = os.read(slave, 100)',
      'os.write(slave, b"tty %d got " % os.isatty(slave) + line)',
      'sys.exit(5)',
    ].join('\n');
    const route: Route = (_body, r) =>
      json(r, { argv: ['python3', '-c', program], launcherBase64: '', ptmxPath: '/dev/pts/ptmx' });
    await withDaemon({ 'POST /v1/exec': route }, async (daemon) => {
      const { stdout, status } = await tsstack(daemon, ['exec', '-t', 'web', 'x'], 'hello\n');
      assert.deepEqual([stdout.replaceAll('\r', ''), status], ['hello\ntty 1 got hello\n', 5]);
    });
  });
});
