import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { InvalidStackError } from '../../src/model/error.ts';
import { type LoadRequest, loadStack } from '../../src/spec/load.ts';

type Files = Readonly<Record<string, string>>;

interface Outcome {
  /** Services of the canonical model; paths below the folder begin with `@`. */
  // biome-ignore lint/suspicious/noExplicitAny: expectations say what is in it
  readonly services: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly model: any;
  readonly problems: readonly string[];
}

/** Loads `stack.yaml` out of some files. */
function load(
  files: Files,
  request: Partial<LoadRequest> = {},
  prepare = (_folder: string): void => undefined,
): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    prepare(folder);
    const shown = (text: string): string => text.replaceAll(folder, '@');
    const problem = ({ code, message, position }: Diagnostic): string =>
      shown(
        `${position === undefined ? '' : `${position.file}:${position.line}:${position.column} `}${code}: ${message}`,
      );
    const whole = { files: ['stack.yaml'], cwd: folder, env: {}, envFiles: [], profiles: [], services: [], ...request };
    try {
      const { model, diagnostics } = loadStack(whole);
      const plain = JSON.parse(shown(JSON.stringify(model)));
      return { services: plain.services, model: plain, problems: diagnostics.map(problem) };
    } catch (error) {
      if (!(error instanceof InvalidStackError)) throw error;
      return { services: {}, model: {}, problems: error.diagnostics.map(problem) };
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('paths of an included or extended file start at its own directory, those of the including file at its', () => {
  const { services, problems } = load({
    'stack.yaml': [
      'include: [sub/part.yaml]',
      'services:',
      '  web:',
      '    extends: {file: base/common.yaml, service: web}',
      '    volumes: ["./own:/own"]',
      '    env_file: [web.env]',
    ].join('\n'),
    'web.env': 'FROM=main',
    'base/common.yaml':
      'services: {web: {image: a, volumes: ["./common:/common"], build: {dockerfile: D}, env_file: x.env}}',
    'base/x.env': 'BASE=1',
    'sub/part.yaml': 'services: {db: {image: b, build: ., volumes: ["./data:/data"], label_file: l.env}}',
    'sub/l.env': 'LABEL=part',
  });
  assert.deepEqual(
    problems.filter((line) => !line.includes('building images')),
    [],
  );
  const sources = (name: string) => services[name].volumes.map(({ source }: { source: string }) => source);
  assert.deepEqual(sources('web'), ['@/base/common', '@/own']);
  assert.deepEqual(services.web.environment, { BASE: '1', FROM: 'main' });
  assert.equal(services.web.build.context, '@', 'what is not written starts at the stack');
  assert.deepEqual(sources('db'), ['@/sub/data']);
  assert.equal(services.db.build.context, '@/sub');
  assert.deepEqual(services.db.labels, { LABEL: 'part' });
});

test('an included file has variables of its own, behind those of the including one', () => {
  const { services } = load(
    {
      'stack.yaml': [
        'include:',
        '  - {path: [sub/part.yaml, over.yaml], env_file: [one.env, two.env], project_directory: elsewhere}',
        '  - sub/other.yaml',
        'services: {a: {image: a, environment: [SHELL, MAIN, ONE]}}',
      ].join('\n'),
      '.env': 'MAIN=main',
      'one.env': 'ONE=1\nBOTH=1\nSHELL=no\nMAIN=no',
      'two.env': 'BOTH=2$ONE',
      'sub/part.yaml':
        'services: {b: {image: "${ONE}-${BOTH}-${SHELL}-${MAIN}", environment: [ONE], volumes: ["./v:/v"]}}',
      'over.yaml': 'services: {b: {hostname: over}}',
      'sub/other.yaml': 'services: {c: {image: "${ONE-none}-${BESIDE}"}}',
      'sub/.env': 'BESIDE=yes',
    },
    { env: { SHELL: 'sh' } },
  );
  assert.deepEqual(services.a.environment, { SHELL: 'sh', MAIN: 'main', ONE: null });
  assert.equal(services.b.image, '1-21-sh-main');
  assert.equal(services.b.hostname, 'over');
  assert.deepEqual(services.b.environment, { ONE: '1' });
  assert.equal(services.b.volumes[0].source, '@/elsewhere/v');
  assert.equal(services.c.image, 'none-yes');
});

test('what an included file brings can be extended, depended on and overridden', () => {
  const { services, model, problems } = load({
    'stack.yaml': [
      'name: mine',
      'include: [part.yaml]',
      'services:',
      '  web: {extends: base, depends_on: [db]}',
      '  db: {environment: {LEVEL: top}, ports: !reset []}',
    ].join('\n'),
    'part.yaml': [
      'name: theirs',
      'x-note: theirs',
      'services:',
      '  base: {image: base, cap_add: [KILL]}',
      '  db: {image: db, environment: [LEVEL=low, KEPT=1], ports: ["1:1"], networks: [back]}',
      'networks: {back: {}}',
    ].join('\n'),
  });
  assert.deepEqual(problems, []);
  assert.equal(model.name, 'mine');
  assert.equal(model['x-note'], undefined);
  assert.deepEqual(services.web.cap_add, ['KILL']);
  assert.deepEqual(services.db.environment, { LEVEL: 'top', KEPT: '1' });
  assert.equal(services.db.ports, undefined);
  assert.equal(model.networks.back.name, 'mine_back');
});

test('extends follows a chain over several files, and looks at nothing else in them', () => {
  const { services, problems } = load(
    {
      'stack.yaml': 'services: {web: {extends: {file: a/one.yaml, service: middle}, environment: {C: top}}}',
      'a/one.yaml': [
        'services:',
        '  middle: {extends: {file: ../b/two.yaml, service: bottom}, environment: {B: middle, C: middle}}',
        '  broken: {image: "${MISSING:?not needed}", colour: red}',
      ].join('\n'),
      'b/two.yaml':
        'services: {bottom: {extends: same, volumes: ["./b:/b"]}, same: {image: "x:${TAG}", environment: {A: bottom}}}',
    },
    { env: { TAG: '7' } },
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(services.web.environment, { A: 'bottom', B: 'middle', C: 'top' });
  assert.equal(services.web.image, 'x:7');
  assert.equal(services.web.volumes[0].source, '@/b/b');
});

const mistakes: Readonly<Record<string, { files: Files; problems: readonly string[] }>> = {
  'a cycle of includes': {
    files: { 'stack.yaml': 'services: {a: {image: a}}\ninclude: [b.yaml]', 'b.yaml': 'include:\n  - path: stack.yaml' },
    problems: ['@/b.yaml:2:11 ref.cycle: "include" makes a cycle: @/stack.yaml -> @/b.yaml -> @/stack.yaml'],
  },
  'a file that includes itself': {
    files: { 'stack.yaml': 'include: [./stack.yaml]\nservices: {}' },
    problems: ['@/stack.yaml:1:11 ref.cycle: "include" makes a cycle: @/stack.yaml -> @/stack.yaml'],
  },
  'a cycle of extends over two files': {
    files: {
      'stack.yaml': 'services: {a: {extends: {file: b.yaml, service: b}}}',
      'b.yaml': 'services: {b: {extends: {file: b.yaml, service: c}}, c: {extends: b}}',
    },
    problems: ['@/b.yaml:1:16 ref.cycle: "extends" makes a cycle: @/b.yaml: b -> @/b.yaml: c -> @/b.yaml: b'],
  },
  'files that are not there': {
    files: {
      'stack.yaml': 'include: [gone.yaml]\nservices: {a: {extends: {file: lost.yaml, service: x}, networks: [n]}}',
    },
    problems: [
      '@/stack.yaml:1:11 path.missing: @/gone.yaml does not exist',
      '@/stack.yaml:2:32 path.missing: @/lost.yaml does not exist',
    ],
  },
  'a service that the other file lacks': {
    files: {
      'stack.yaml': 'services: {a: {extends: {file: b.yaml, service: wep}}}',
      'b.yaml': 'services: {web: {image: x}}',
    },
    problems: ['@/stack.yaml:1:49 ref.missing: "extends" names the service "wep", which does not exist in @/b.yaml'],
  },
  'an environment file that is not there': {
    files: { 'stack.yaml': 'include: [{path: b.yaml, env_file: no.env}]', 'b.yaml': 'services: {a: {image: x}}' },
    problems: ['@/stack.yaml:1:36 path.missing: environment file: @/no.env does not exist'],
  },
  'mistakes inside the files': {
    files: {
      'stack.yaml': 'include: [b.yaml]\nservices: {a: {extends: {file: c.yaml, service: c}}}',
      'b.yaml': 'services:\n  b: {image: x, imagee: y}',
      'c.yaml': 'services:\n  c:\n    image: x\n    cpus: many',
    },
    problems: [
      '@/b.yaml:2:17 schema.unknown-key: unknown key "imagee" in services.b',
      '@/c.yaml:4:11 schema.type: cpus is "many", which is not a number',
    ],
  },
  'text that is no YAML': {
    files: { 'stack.yaml': 'include: [b.yaml]', 'b.yaml': 'a: "open' },
    problems: ['@/b.yaml:1:4 yaml.syntax: this quote is never closed'],
  },
  'a file from elsewhere': {
    files: { 'stack.yaml': 'include: ["https://example.org/a.git"]\nservices: {a: {image: x}}' },
    problems: [
      '@/stack.yaml:1:11 unsupported.key: "include" of "https://example.org/a.git": files from elsewhere are not fetched',
    ],
  },
};

for (const [what, { files, problems }] of Object.entries(mistakes)) {
  test(`${what}: the place and the reason`, () => assert.deepEqual(load(files).problems, problems));
}

test('devices and loops of links are refused without being read', () => {
  const stack = { 'stack.yaml': 'include: [/dev/zero, loop.yaml]\nservices: {a: {image: x}}' };
  const { problems } = load(stack, {}, (folder) => symlinkSync('loop.yaml', join(folder, 'loop.yaml')));
  assert.deepEqual(problems, [
    '@/stack.yaml:1:11 path.kind: /dev/zero is not a regular file',
    '@/stack.yaml:1:22 path.kind: @/loop.yaml is a loop of symbolic links',
  ]);
});

test('includes that double at every level end at the limit of files', () => {
  const files: Record<string, string> = { 'stack.yaml': 'include: [f0.yaml]' };
  for (let level = 0; level < 40; level += 1) {
    files[`f${level}.yaml`] = `include: [f${level + 1}.yaml, ./f${level + 1}.yaml]`;
  }
  files['f40.yaml'] = 'services: {a: {image: x}}';
  const { problems } = load(files);
  assert.match(problems[0] ?? '', /limit: the stack is made of more than 1000 files$/);
});

test('an override file of the same family is laid over a file of a default name', () => {
  const image = (names: readonly string[]) => {
    const files = names.map((name) => [name, `services: {a: {image: ${name}}}`]);
    return load(Object.fromEntries(files), { files: [] }).services.a.image;
  };
  assert.equal(image(['stack.yaml', 'stack.override.yaml', 'compose.override.yaml']), 'stack.override.yaml');
  assert.equal(image(['stack.yaml', 'compose.yaml', 'compose.override.yaml']), 'stack.yaml');
  assert.equal(image(['compose.yaml', 'docker-compose.override.yml']), 'docker-compose.override.yml');
  assert.equal(
    image(['compose.yml', 'docker-compose.yml', 'docker-compose.override.yml', 'compose.override.yml']),
    'compose.override.yml',
  );
});

test('COMPOSE_FILE, COMPOSE_PATH_SEPARATOR, COMPOSE_PROJECT_NAME and COMPOSE_PROFILES count, in .env too', () => {
  const files = {
    'a.yaml': 'name: a\nservices: {a: {image: "${COMPOSE_PROJECT_NAME}"}, p: {image: p, profiles: [x]}}',
    'b.yaml': 'services: {a: {hostname: b}}',
    '.env': 'COMPOSE_FILE=a.yaml,b.yaml\nCOMPOSE_PATH_SEPARATOR=,\nCOMPOSE_PROFILES=y, x',
  };
  const loaded = load(files, { files: [], env: { COMPOSE_PROJECT_NAME: 'given' } });
  assert.deepEqual(loaded.problems, []);
  assert.equal(loaded.model.name, 'given');
  assert.equal(loaded.services.a.image, 'given');
  assert.equal(loaded.services.a.hostname, 'b');
  assert.deepEqual(Object.keys(loaded.services), ['a', 'p']);
  assert.deepEqual(Object.keys(load(files, { files: [], profiles: ['z'] }).services), ['a']);
  assert.deepEqual(Object.keys(load(files, { files: [], profiles: ['*'] }).services), ['a', 'p']);
});
