import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Position } from '../../src/model/diagnostic.ts';
import { TsstackError } from '../../src/model/error.ts';
import { type Explainable, type Explanation, loadExplainable } from '../../src/spec/explain/explain.ts';
import type { LoadRequest } from '../../src/spec/load.ts';

type Files = Readonly<Record<string, string>>;

/** Loads files, `stack.yaml` the first, and gives what `use` makes of them; paths below the folder begin with `@`. */
function using<T>(files: Files, request: Partial<LoadRequest>, use: (loaded: Explainable) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'explain-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const whole = { files: ['stack.yaml'], cwd: folder, env: {}, envFiles: [], profiles: [], services: [], ...request };
    return JSON.parse(JSON.stringify(use(loadExplainable(whole))).replaceAll(folder, '@'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function explained(files: Files, path: string, request: Partial<LoadRequest> = {}): Explanation {
  return using(files, request, ({ explain }) => explain(path));
}

const at = ({ file, line, column }: Position): string => `${file.replace('@/', '')}:${line}:${column}`;

/**
 * The values as lines: `PATH = VALUE | PLACE TEXT by RULES over RULE {VARIABLES} | …`, of what nobody wrote its rule.
 */
function lines(files: Files, path: string, request: Partial<LoadRequest> = {}): readonly string[] {
  return explained(files, path, request).values.map(({ path: each, value, rule, note, sources }) => {
    const shown = sources.map(({ position, text, by, over, variables }) =>
      [
        `${at(position)} ${text}`,
        ...by.map((step) => `by ${step.rule}${step.position === undefined ? '' : ` ${at(step.position)}`}`),
        ...(over === undefined ? [] : [`over ${over}`]),
        ...variables.map((variable) => {
          const from = variable.position === undefined ? variable.from : at(variable.position);
          return `{${variable.name}=${variable.value ?? ''} ${from}}`;
        }),
      ].join(' '),
    );
    const why = rule === 'written' ? [] : [`${rule}: ${note}`];
    return [`${each} = ${JSON.stringify(value)}`, ...why, ...shown].join(' | ');
  });
}

const stack = (...text: readonly string[]): string => ['services:', ...text.map((line) => `  ${line}`)].join('\n');

test('a value in one file: where it stands', () => {
  const files = { 'stack.yaml': stack('web:', '  image: nginx:1') };
  assert.deepEqual(lines(files, 'services.web.image'), ['services.web.image = "nginx:1" | stack.yaml:3:12 nginx:1']);
});

test('a value of a file that is laid over two others names both, in whatever form they are written', () => {
  const files = {
    'stack.yaml': stack('web: {image: a, environment: {PORT: "80", KEPT: x}}'),
    'b.yaml': stack('web: {environment: ["PORT=81"]}'),
    'c.yaml': stack('web: {environment: {PORT: 82}}'),
  };
  const request = { files: ['stack.yaml', 'b.yaml', 'c.yaml'] };
  assert.deepEqual(lines(files, 'services.web.environment', request).toReversed(), [
    'services.web.environment.PORT = "82" | c.yaml:2:29 82 over merge | b.yaml:2:23 "PORT=81" over merge | stack.yaml:2:39 "80"',
    'services.web.environment.KEPT = "x" | stack.yaml:2:51 x',
  ]);
});

test('what is empty above hides nothing, and what replaces a list whole hides its items', () => {
  const files = {
    'stack.yaml': stack('web: {image: a, user: root, command: [x, y], cap_add: [KILL]}'),
    'b.yaml': stack('web: {user: , command: [z], cap_add: !override [CHOWN]}'),
  };
  const request = { files: ['stack.yaml', 'b.yaml'] };
  assert.deepEqual(lines(files, 'services.web.user', request), ['services.web.user = "root" | stack.yaml:2:25 root']);
  assert.deepEqual(lines(files, 'services.web.cap_add', request), [
    'services.web.cap_add[0] = "CHOWN" | b.yaml:2:51 CHOWN',
  ]);
});

test('extends: over a chain of services and files, with the key that says so', () => {
  const files = {
    'stack.yaml': stack('web:', '  extends: {file: base.yaml, service: top}', '  hostname: own'),
    'base.yaml': stack('top: {extends: low, hostname: top, user: top}', 'low: {image: low, hostname: low}'),
  };
  assert.equal(
    lines(files, 'services.web.hostname')[0],
    [
      'services.web.hostname = "own"',
      'stack.yaml:4:15 own over extends',
      'base.yaml:2:33 top by extends stack.yaml:3:5 over extends',
      'base.yaml:3:31 low by extends stack.yaml:3:5 by extends base.yaml:2:9',
    ].join(' | '),
  );
  assert.deepEqual(lines(files, 'services.web.user'), [
    'services.web.user = "top" | base.yaml:2:44 top by extends stack.yaml:3:5',
  ]);
});

test('include: the including file on top, then extended', () => {
  const files = {
    'stack.yaml': 'include: [part.yaml]\nservices: {db: {image: mine}, more: {extends: db}}',
    'part.yaml': stack('db: {image: theirs, user: theirs}'),
  };
  assert.deepEqual(lines(files, 'services.db.image'), [
    'services.db.image = "mine" | stack.yaml:2:24 mine over include | part.yaml:2:15 theirs by include stack.yaml:1:11',
  ]);
  assert.deepEqual(lines(files, 'services.more.user'), [
    'services.more.user = "theirs" | part.yaml:2:29 theirs by extends stack.yaml:2:38 by include stack.yaml:1:11',
  ]);
  assert.deepEqual(lines(files, 'services.more.image'), [
    'services.more.image = "mine" | stack.yaml:2:24 mine by extends stack.yaml:2:38 over include | part.yaml:2:15 theirs by extends stack.yaml:2:38 by include stack.yaml:1:11',
  ]);
});

test('a service that is laid over an included one, and extends a third, hides both', () => {
  const files = {
    'stack.yaml': 'include: [part.yaml]\nservices: {db: {image: mine, extends: low}, low: {image: low}}',
    'part.yaml': stack('db: {image: theirs}'),
  };
  assert.deepEqual(lines(files, 'services.db.image'), [
    'services.db.image = "mine" | stack.yaml:2:24 mine over include | part.yaml:2:15 theirs by include stack.yaml:1:11 over extends | stack.yaml:2:58 low by extends stack.yaml:2:30',
  ]);
});

test('merge keys and aliases: where the key or alias stands, and what the merge key would have given', () => {
  const files = {
    'stack.yaml': [
      'x-one: &one {A: 1, B: 1, C: 1}',
      'x-two: &two {B: 2, D: 2}',
      'services:',
      '  web:',
      '    image: x',
      '    environment:',
      '      <<: [*one, *two]',
      '      A: 0',
      '    labels: *two',
    ].join('\n'),
  };
  assert.deepEqual(lines(files, 'services.web.environment').toSorted(), [
    'services.web.environment.A = "0" | stack.yaml:8:10 0 over merge key | stack.yaml:1:17 1 by merge key stack.yaml:7:7',
    'services.web.environment.B = "1" | stack.yaml:1:23 1 by merge key stack.yaml:7:7 over merge key | stack.yaml:2:17 2 by merge key stack.yaml:7:7',
    'services.web.environment.C = "1" | stack.yaml:1:29 1 by merge key stack.yaml:7:7',
    'services.web.environment.D = "2" | stack.yaml:2:23 2 by merge key stack.yaml:7:7',
  ]);
  assert.deepEqual(lines(files, 'services.web.labels.D'), [
    'services.web.labels.D = "2" | stack.yaml:2:23 2 by alias stack.yaml:9:13',
  ]);
});

test('one anchor under two services hides in each what stands below there', () => {
  const files = {
    'stack.yaml': stack('a: {image: x, environment: {L: a}}', 'b: {image: x, environment: {L: b}}'),
    'o.yaml': 'x-o: &o {L: o}\nservices: {a: {environment: *o}, b: {environment: *o}}',
  };
  const request = { files: ['stack.yaml', 'o.yaml'] };
  const [a, b] = ['a', 'b'].map((name) => lines(files, `services.${name}.environment.L`, request)[0]);
  assert.match(a ?? '', /over merge \| stack\.yaml:2:34 a$/);
  assert.match(b ?? '', /over merge \| stack\.yaml:3:34 b$/);
});

test('items of a list that are the same: the later one, in the file or over another', () => {
  const files = {
    'stack.yaml': stack('web:', '  image: x', '  environment: [A=1, A=2]', '  volumes: ["./a:/data", "./c:/c"]'),
    'b.yaml': stack('web: {volumes: [{type: bind, source: ./b, target: /data, read_only: true}]}'),
  };
  const request = { files: ['stack.yaml', 'b.yaml'] };
  assert.deepEqual(lines(files, 'services.web.environment.A', request), [
    'services.web.environment.A = "2" | stack.yaml:4:24 A=2 over unique item | stack.yaml:4:19 A=1',
  ]);
  assert.deepEqual(lines(files, 'services.web.volumes./data.source', request), [
    'services.web.volumes[0].source = "@/b" | b.yaml:2:40 ./b over merge | stack.yaml:5:15 "./a:/data"',
  ]);
  assert.deepEqual(lines(files, 'services.web.volumes[1].target', request), [
    'services.web.volumes[1].target = "/c" | stack.yaml:5:28 "./c:/c"',
  ]);
});

test('items keep their place where the canonical list has another order or more of them', () => {
  const files = {
    'stack.yaml': stack(
      'web:',
      '  image: x',
      '  extra_hosts: {b: 1.1.1.1, a: 2.2.2.2}',
      '  ports: ["80-81:80-81", "90:90"]',
    ),
  };
  assert.deepEqual(lines(files, 'services.web.extra_hosts'), [
    'services.web.extra_hosts[0] = "a=2.2.2.2" | stack.yaml:4:34 2.2.2.2',
    'services.web.extra_hosts[1] = "b=1.1.1.1" | stack.yaml:4:22 1.1.1.1',
  ]);
  assert.deepEqual(lines(files, 'services.web.ports.90.published'), [
    'services.web.ports[2].published = "90" | stack.yaml:5:28 "90:90"',
  ]);
});

test('variables: the environment before --env-file, the later file first, .env alone; defaults; only branches taken', () => {
  const files = {
    'stack.yaml': stack('web: {image: x, labels: {l: "${A}-${B:-none}-${C:-${D}}-${E:+${F}}", h: $$x}}'),
    '.env': 'A=dot\n',
    'one.env': '# comment\nA=1\nexport D="x\n  y"\n',
    'two.env': 'A=2\n',
  };
  const value = (request: Partial<LoadRequest>) =>
    lines(files, 'services.web.labels.l', request)[0]?.replace(/^.*?"\$.*?" /s, '');
  assert.equal(value({}), '{A=dot .env:1:1} {B= default} {C= default} {D= unset} {E= unset}');
  assert.equal(
    value({ envFiles: ['one.env', 'two.env'], env: { C: 'c' } }),
    '{A=2 two.env:1:1} {B= default} {C=c environment} {E= unset}',
  );
  assert.match(
    value({ envFiles: ['one.env'], env: { A: 'env' } }) ?? '',
    /^\{A=env environment\}.*\{D=x\n {2}y one\.env:3:8\}/s,
  );
  assert.deepEqual(lines(files, 'services.web.labels.h'), ['services.web.labels.h = "$x" | stack.yaml:2:75 $$x']);
});

test('variables of an included file: outer ones first, then its own env_file', () => {
  const files = {
    'stack.yaml': 'name: n\ninclude: [{path: p.yaml, env_file: [p.env, q.env]}]',
    'p.yaml': stack('db: {image: "${OUT}${IN}${COMPOSE_PROJECT_NAME}", environment: [IN, NO]}'),
    'p.env': 'OUT=no\nIN=1',
    'q.env': '\nIN=2',
    '.env': 'OUT=yes',
  };
  const [line] = lines(files, 'services.db.image');
  assert.match(line ?? '', / \{OUT=yes \.env:1:1\} \{IN=2 q\.env:2:1\} \{COMPOSE_PROJECT_NAME=n name\}$/);
  assert.match(
    lines(files, 'services.db.environment.IN')[0] ?? '',
    / p\.yaml:2:67 IN by include stack\.yaml:2:11 \{IN=2 q\.env:2:1\}$/,
  );
  assert.match(lines(files, 'services.db.environment.NO')[0] ?? '', / = null \|.* \{NO= unset\}$/);
});

test('env_file and label_file: the line that won, what it hides, and what hides it', () => {
  const files = {
    'stack.yaml': stack(
      'web: {image: x, environment: {A: own}, env_file: [a.env, {path: b.env, format: raw}], label_file: l}',
    ),
    'a.env': 'A=1\nB="1"\nC=3',
    'b.env': '# raw\nB=2',
    l: 'L=1',
  };
  assert.deepEqual(lines(files, 'services.web.environment').toSorted(), [
    'services.web.environment.A = "own" | stack.yaml:2:36 own over env_file | a.env:1:1 A=1 by env_file',
    'services.web.environment.B = "2" | b.env:2:1 B=2 by env_file over env_file | a.env:2:1 B="1" by env_file',
    'services.web.environment.C = "3" | a.env:3:1 C=3 by env_file',
  ]);
  assert.deepEqual(lines(files, 'services.web.labels.L'), ['services.web.labels.L = "1" | l:1:1 L=1 by label_file']);
});

test('what nobody wrote: a default, or implied by what stands elsewhere', () => {
  const files = {
    'stack.yaml': [
      'services:',
      '  a: {image: x, ports: ["80:80"], volumes: ["./v:/v"], depends_on: [b], links: [c]}',
      '  b: {image: x, scale: 2, deploy: {}, networks: [own]}',
      '  c: {image: x}',
      'networks: {own: , ext: {external: true}}',
    ].join('\n'),
  };
  const rule = (path: string) => lines(files, path)[0]?.replace(/^[^|]*\| /, '');
  assert.equal(rule('services.a.command'), 'default: the image decides');
  assert.equal(
    rule('services.a.ports[0].protocol'),
    'default: the short form leaves it open | stack.yaml:2:25 "80:80"',
  );
  assert.equal(rule('services.a.ports[0].target'), 'stack.yaml:2:25 "80:80"');
  assert.equal(
    rule('services.a.volumes[0].bind.create_host_path'),
    'default: the short form leaves it open | stack.yaml:2:45 "./v:/v"',
  );
  assert.equal(rule('services.a.depends_on.b.condition'), 'default: the short form leaves it open | stack.yaml:2:69 b');
  assert.equal(rule('services.a.depends_on.c.restart'), 'implied: by "links" | stack.yaml:2:81 c');
  assert.equal(rule('services.b.deploy.replicas'), 'implied: by "scale" | stack.yaml:3:24 2');
  assert.equal(rule('services.a.networks.default'), 'implied: a service that names no network joins "default"');
  assert.equal(rule('networks.own.name')?.replace(/"[^"]*"/, 'N'), 'default: the name of the stack, N, and its key');
});

test('the name of the stack: -p, COMPOSE_PROJECT_NAME, a file, the directory', () => {
  const files = {
    'stack.yaml': 'name: written\nservices: {a: {image: x}}',
    '.env': 'COMPOSE_PROJECT_NAME=dot',
    none: '',
  };
  const env = { COMPOSE_PROJECT_NAME: 'shell' };
  assert.deepEqual(lines(files, 'name', { projectName: 'given', env }), ['name = "given" | implied: by -p']);
  assert.deepEqual(lines(files, 'name', { env }), [
    'name = "shell" | implied: by COMPOSE_PROJECT_NAME of the environment',
  ]);
  assert.deepEqual(lines(files, 'name'), [
    'name = "dot" | implied: by COMPOSE_PROJECT_NAME | .env:1:1 COMPOSE_PROJECT_NAME=dot',
  ]);
  assert.deepEqual(lines(files, 'name', { envFiles: ['none'] }), ['name = "written" | stack.yaml:1:7 written']);
  const bare = { 'stack.yaml': stack('a: {image: x}') };
  assert.match(lines(bare, 'name')[0] ?? '', /\| default: the directory @$/);
});

test('a service that is off is explained, with its env_file and the profiles that would enable it', () => {
  const files = {
    'stack.yaml': stack('a: {image: x}', 'dbg: {image: d, profiles: [tools, more], env_file: d.env}'),
    'd.env': 'D=1',
    'on.env': 'X=1\nCOMPOSE_PROFILES=more',
  };
  const off = explained(files, 'services.dbg.environment.D');
  assert.deepEqual(off.profile, { service: 'dbg', enabled: false, profiles: ['tools', 'more'], active: [] });
  assert.equal(off.value, '1');
  assert.deepEqual(explained(files, 'services.dbg.image', { profiles: ['tools'] }).profile?.active, ['tools']);
  const { active, variable } = explained(files, 'services.dbg.image', { envFiles: ['on.env'] }).profile ?? {};
  assert.deepEqual([active, variable?.position && at(variable.position)], [['more'], 'on.env:2:1']);
  assert.ok(!lines(files, 'services').some((line) => line.includes('dbg')), 'off ones only when asked for');
});

test('paths: brackets, quotes, dots in names, numbers; long ones are cut and counted', () => {
  const labels = Array.from({ length: 250 }, (_, index) => `l${index}: x`).join(', ');
  const files = { 'stack.yaml': stack(`web: {image: x, labels: {a.b: "1", ${labels}}, cap_add: [KILL]}`) };
  for (const path of ['labels["a.b"]', "labels['a.b']", 'labels.a.b', '["labels"]."a.b"']) {
    assert.equal(
      explained(files, `services.web${path.startsWith('[') ? '' : '.'}${path}`).path,
      'services.web.labels["a.b"]',
    );
  }
  assert.equal(explained(files, 'services.web.cap_add.0').path, 'services.web.cap_add[0]');
  const { values, more } = explained(files, 'services.web.labels');
  assert.deepEqual([values.length, more], [200, 51]);
});

const wrong: Readonly<Record<string, [message: RegExp, hint: RegExp]>> = {
  'services.wep.image': [/services has no "wep"$/, /^Did you mean "web"\?$/],
  'services.web.imagee': [/services\.web has no "imagee"$/, /^Did you mean "image"\?$/],
  'services.web.cap_add.1': [/cap_add has no "1"$/, /^It is a list of 1: write a number from 0 to 0$/],
  'services.web.image.x': [/image has no "x"$/, /^Its value is "x", which has no parts$/],
  'services.web.env_file': [/web has no "env_file"$/, /^It is written at .*stack\.yaml:2, but/],
  'services..web': [/is no path: "\.\.?web" is not a step$/, /in brackets/],
  zzz: [/the stack has no "zzz"$/, /^It has name, services, networks$/],
};

for (const [path, [message, hint]] of Object.entries(wrong)) {
  test(`${path} is not there: what is near`, () => {
    const files = { 'stack.yaml': stack('web: {image: x, cap_add: [KILL], env_file: []}') };
    assert.throws(
      () => explained(files, path),
      (error) =>
        error instanceof TsstackError &&
        error.code === 'usage' &&
        message.test(error.message) &&
        hint.test(error.hint ?? ''),
    );
  });
}
