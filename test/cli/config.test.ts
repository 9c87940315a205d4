import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, withFiles } from './run-cli.ts';

const STACK = `
name: demo
services:
  web:
    image: nginx:\${TAG:-1}
    command: ["sh", "-c", "echo $$HOME"]
    ports: ["\${PORT:-8080}:80"]
    volumes: ["data:/data"]
    networks: [front]
    depends_on: [cache]
  debug:
    image: busybox
    profiles: [tools, extra]
    networks: [front]
  cache:
    build: .
    profiles: []
    networks: [front]
  host:
    command: sleep \${DELAY:?say how long}
    networks: [front]
volumes: {data: {}}
networks: {front: {}}
models: {llm: {model: ai/example}}
`;
const ENV = { DELAY: '5' };

/** Runs `config` in a directory with STACK; `argv` stands behind the command. */
async function config(
  argv: readonly string[],
  use: (result: { stdout: string; stderr: string; status: number | null; directory: string }) => void,
  env: Readonly<Record<string, string>> = ENV,
): Promise<void> {
  await withFiles({ 'stack.yaml': STACK, '.env': 'TAG=from-file\nONLY_FILE=x\n' }, async (directory) =>
    use({ ...(await cli(directory, ['config', ...argv], env)), directory }),
  );
}

describe('config', () => {
  const lists: [string[], string[]][] = [
    [['--services'], ['cache', 'host', 'web']],
    [
      ['--services', '--profile', 'tools'],
      ['cache', 'debug', 'host', 'web'],
    ],
    [
      ['--services', 'web'],
      ['cache', 'web'],
    ],
    [['--volumes'], ['data']],
    [['--networks'], ['front']],
    [['--images'], ['demo-cache', 'nginx:from-file']],
    [['--profiles'], ['extra', 'tools']],
    [['--models'], ['llm']],
  ];
  for (const [argv, names] of lists) {
    it(`${argv.join(' ')} prints ${names.join(', ')}, one a line, or as JSON`, async () => {
      await config(argv, ({ stdout, status }) => assert.deepEqual([stdout, status], [`${names.join('\n')}\n`, 0]));
      await config([...argv, '--json'], ({ stdout }) => assert.deepEqual(JSON.parse(stdout), names));
    });
  }

  it('prints YAML that means the same when it is read again, dollar signs included', async () => {
    await config([], async ({ stdout, status }) => {
      assert.equal(status, 0);
      assert.match(stdout, /^name: demo\n[\s\S]*echo \$\$HOME/);
    });
    await withFiles({ 'stack.yaml': STACK }, async (directory) => {
      const first = await cli(directory, ['config', '-o', 'all.yaml'], ENV);
      assert.deepEqual([first.stdout, first.status], ['', 0]);
      const [model, again] = await Promise.all([
        cli(directory, ['config', '--format', 'json'], ENV),
        cli(directory, ['-f', 'all.yaml', 'config', '--format', 'json']),
      ]);
      assert.deepEqual(JSON.parse(again.stdout), JSON.parse(model.stdout));
      assert.deepEqual(JSON.parse(model.stdout).services.web.command, ['sh', '-c', 'echo $HOME']);
    });
  });

  it('keeps in YAML what JSON has no words for: extensions of services, models, and where a root filesystem is', async () => {
    const text = [
      'services:',
      '  web: {x-rootfs: root, command: [run], x-note: [kept], models: [llm]}',
      '  off: {image: i, profiles: [p]}',
      'models: {llm: {model: m}}',
    ].join('\n');
    await withFiles({ 'stack.yaml': text }, async (directory) => {
      const { stdout } = await cli(directory, ['config']);
      assert.match(stdout, new RegExp(`x-rootfs: ${directory}/root$`, 'm'));
      assert.match(stdout, /x-note:\n +- kept$/m);
      assert.match(stdout, /^models:\n {2}llm:\n {4}model: m$/m);
      assert.doesNotMatch(stdout, /off:/);
      const json = JSON.parse((await cli(directory, ['config', '--format', 'json'])).stdout);
      assert.deepEqual([json.models, json.services.web['x-rootfs']], [undefined, undefined]);
    });
  });

  it('-q prints nothing to standard output, whatever else was asked for', async () => {
    for (const argv of [['-q'], ['-q', '--json'], ['-q', '--services'], ['-q', '--variables']]) {
      await config(argv, ({ stdout, status }) => assert.deepEqual([stdout, status], ['', 0], argv.join(' ')));
    }
  });
});

describe('config --variables', () => {
  it('prints a table, before anything is filled in: a required variable need not be set', async () => {
    const table = [
      'NAME    REQUIRED   DEFAULT VALUE   ALTERNATE VALUE',
      'DELAY   true',
      'PORT    false      8080',
      'TAG     false      1',
      '',
    ].join('\n');
    await config(['--variables'], ({ stdout, status }) => assert.deepEqual([stdout, status], [table, 0]), {});
  });

  it('prints an object by name in JSON, with the fields that Compose has', async () => {
    await config(['--variables', '--format', 'json'], ({ stdout }) => {
      const { DELAY, PORT } = JSON.parse(stdout);
      assert.deepEqual(DELAY, { Name: 'DELAY', DefaultValue: '', PresenceValue: '', Required: true });
      assert.deepEqual(PORT, { Name: 'PORT', DefaultValue: '8080', PresenceValue: '', Required: false });
    });
  });

  it('ends with 2 and the place when a file cannot be parsed', () =>
    withFiles({ 'stack.yaml': 'services: {web: [}\n' }, async (directory) => {
      const { stdout, stderr, status } = await cli(directory, ['config', '--variables']);
      assert.deepEqual([stdout, status], ['', 2]);
      assert.match(stderr, /stack\.yaml:1:\d+: error: /);
    }));
});

describe('config --environment', () => {
  it('prints what variables are filled in from, the shell before .env, and the name of the stack', async () => {
    await config(
      ['--environment'],
      ({ stdout, status }) => {
        assert.equal(status, 0);
        const lines = stdout.trimEnd().split('\n');
        assert.deepEqual(lines, lines.toSorted());
        for (const line of ['DELAY=5', 'TAG=shell', 'ONLY_FILE=x', 'COMPOSE_PROJECT_NAME=demo']) {
          assert.ok(lines.includes(line), line);
        }
        assert.equal(lines.filter((line) => line.startsWith('TAG=')).length, 1);
      },
      { ...ENV, TAG: 'shell' },
    );
    await config(['--environment', '--json'], ({ stdout }) => assert.equal(JSON.parse(stdout).ONLY_FILE, 'x'));
  });
});

describe('config --hash', () => {
  const hashOf = async (stack: string, ...argv: string[]): Promise<string> => {
    let found = '';
    await withFiles({ 'stack.yaml': stack }, async (directory) => {
      // One directory name for all, so that paths are the same.
      const { stdout } = await cli(directory, ['-p', 'demo', ...argv, 'config', '--hash', 'web']);
      found = stdout;
    });
    return found;
  };

  it('prints a line for each service that was asked for, sorted; an object in JSON', async () => {
    await config(['--hash', '*'], ({ stdout, status }) => {
      assert.equal(status, 0);
      assert.match(stdout, /^cache [0-9a-f]{64}\nhost [0-9a-f]{64}\nweb [0-9a-f]{64}\n$/);
    });
    await config(['--hash', 'web,host'], ({ stdout }) => assert.match(stdout, /^host \S+\nweb \S+\n$/));
    await config(['--hash', 'web', '--json'], ({ stdout }) => assert.match(JSON.parse(stdout).web, /^[0-9a-f]{64}$/));
  });

  it('is the same where containers are, and another where they differ', async () => {
    const web = 'services:\n  web:\n    image: a\n    environment: {A: 1}\n';
    const hash = await hashOf(web);
    assert.match(hash, /^web [0-9a-f]{64}\n$/);
    const same = [
      'services: {web: {environment: [A=1], image: a}}',
      `${web}    scale: 3\n    deploy: {replicas: 3}\n`,
      `${web}    depends_on: [db]\n    profiles: []\n    pull_policy: always\n    build: .\n  db: {image: b}\n`,
    ];
    for (const text of same) assert.equal(await hashOf(text), hash, text);
    for (const text of [`${web}    init: true\n`, `${web}    x-time-namespace: true\n`]) {
      assert.notEqual(await hashOf(text), hash, text);
    }
  });

  it('ends with 2 for a service that is not there, with the nearest name, or that no profile enables', async () => {
    await config(['--hash', 'wbe'], ({ stdout, stderr, status }) => {
      assert.deepEqual([stdout, status], ['', 2]);
      assert.match(stderr, /error: There is no service "wbe"\nhint: Did you mean "web"\?\n$/);
    });
    await config(['--hash', 'debug'], ({ stderr, status }) => {
      assert.equal(status, 2);
      assert.match(stderr, /error: No active profile enables the service "debug"\nhint: Add --profile/);
    });
  });
});

describe('config --no-interpolate', () => {
  it('prints the files merged, with what they write, and needs no variable', async () => {
    await withFiles(
      { 'a.yaml': STACK, 'b.yaml': 'services: {web: {image: "${IMAGE:?}", extends: cache}, cache: {}}' },
      async (directory) => {
        const { stdout, status } = await cli(directory, ['-f', 'a.yaml', '-f', 'b.yaml', 'config', '--no-interpolate']);
        assert.equal(status, 0);
        assert.match(stdout, /^name: demo\n/);
        for (const kept of ['image: ${IMAGE:?}', 'echo $$HOME', '- ${PORT:-8080}:80', 'build: "."']) {
          assert.ok(stdout.includes(kept), `${kept} in ${stdout}`);
        }
        assert.ok(!stdout.includes('extends'));
      },
    );
  });

  it('has the name that -p gives, or the directory', () =>
    withFiles({ 'My.Stack/stack.yaml': 'services: {web: {image: a}}' }, async (directory) => {
      const argv = ['config', '--no-interpolate', '--json'];
      const [own, given] = await Promise.all([
        cli(join(directory, 'My.Stack'), argv),
        cli(join(directory, 'My.Stack'), ['-p', 'other', ...argv]),
      ]);
      assert.deepEqual([JSON.parse(own.stdout).name, JSON.parse(given.stdout).name], ['mystack', 'other']);
    }));
});

describe('config --schema', () => {
  it('prints the schema byte for byte, without a stack file', () =>
    withFiles({}, async (directory) => {
      const { stdout, stderr, status } = await cli(directory, ['config', '--schema']);
      assert.deepEqual([stderr, status], ['', 0]);
      assert.equal(stdout, readFileSync(`${import.meta.dirname}/../../schema/stack.schema.json`, 'utf8'));
    }));
});

describe('config --output', () => {
  it('writes any result into the file, and nothing when the stack has errors', () =>
    withFiles({ 'stack.yaml': STACK, 'kept.txt': 'before' }, async (directory) => {
      const done = await cli(directory, ['config', '--services', '--output', 'names.txt'], ENV);
      assert.deepEqual([done.stdout, done.status], ['', 0]);
      assert.equal(readFileSync(join(directory, 'names.txt'), 'utf8'), 'cache\nhost\nweb\n');
      const failed = await cli(directory, ['config', '-o', 'kept.txt']);
      assert.equal(failed.status, 2);
      assert.equal(readFileSync(join(directory, 'kept.txt'), 'utf8'), 'before');
    }));

  it('ends with 2 when the file cannot be written', () =>
    config(['-o', 'missing/out.yaml'], ({ stderr, status }) => {
      assert.equal(status, 2);
      assert.match(stderr, /Cannot write the file of --output, "missing\/out\.yaml": ENOENT\nhint: /);
    }));
});
