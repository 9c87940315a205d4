import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { problemsOf } from './load-text.ts';

/** `CODE at LINE: TOKEN` of every error, the token as it is marked. */
function errorsOf(text: string, env: Readonly<Record<string, string>> = {}): string[] {
  const lines = text.split('\n');
  return problemsOf(text, { env })
    .filter(isError)
    .map(({ code, position }) => {
      const { line, column, length } = position ?? { line: 0, column: 1, length: 0 };
      return `${code} at ${line}: ${lines[line - 1]?.slice(column - 1, column - 1 + length)}`;
    });
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

test('an unknown key, a bad value and a missing name are all reported in one run, in file order', () => {
  const text = "services: {web: {comand: [x], ports: ['80:70000'], depends_on: [nope]}}";
  assert.deepEqual(errorsOf(text), [
    'schema.unknown-key at 1: comand',
    "value.range at 1: '80:70000'",
    'ref.missing at 1: nope',
  ]);
});

test('a required variable that is not set is reported together with every other kind of problem', () => {
  const text = `services:
  web:
    mem_limit: \${LIMIT:?say how much}
    command: {a: b}
    stop_grace_period: soon
    networks: [back]
    tty: "\${TTY}"
    cpu_shares: lots
`;
  assert.deepEqual(errorsOf(text, { TTY: 'maybe' }), [
    'interp.required at 3: ${LIMIT:?say how much}',
    'schema.type at 4: {a: b}',
    'value.range at 5: soon',
    'ref.missing at 6: back',
    'schema.type at 7: "${TTY}"',
    'schema.type at 8: lots',
  ]);
});

test('what is set aside has no follow-up error', () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    'services: {web: {image: i, depends_on: [db]}, db: text}': ['schema.type at 1: text'],
    'services: {web: {depends_on: [db], extends: db}, db: text}': ['schema.type at 1: text'],
    'services: {web: {image: i, network_mode: "service:a b"}, "a b": {}}': ['schema.pattern at 1: "a b"'],
    'services: {web: {image: i, networks: [back]}}\nnetworks: [back]': ['schema.type at 2: [back]'],
    'services: {web: {image: i, networks: [back]}}\nnetwoks: {back: {}}': ['schema.unknown-key at 2: netwoks'],
    'services: {web: {image: i, networks: [back]}}\nnetworks: {back: 5}': ['schema.type at 2: 5'],
    'services: {web: {image: i, networks: [back]}}\ninclude: [x.yaml]': ['path.missing at 2: x.yaml'],
    'services: {web: {image: [x], depends_on: {db: 5}}, db: {image: i}}': [
      'schema.type at 1: [x]',
      'schema.type at 1: 5',
    ],
    'services: {web: {volumes: [{type: bind, source: [x], target: /x}]}}': ['schema.type at 1: [x]'],
    'services: {web: {volumes: [{tpye: bind, source: /x, target: /x}]}}': ['schema.unknown-key at 1: tpye'],
    'services: {web: {volumes: [{type: "${X:?no}", target: /x}]}}': ['interp.required at 1: "${X:?no}"'],
    'services: {web: {ports: [{taget: 80}]}}': ['schema.unknown-key at 1: taget'],
    'services: {web: {healthcheck: {test: [{a: b}, curl]}}}': ['schema.type at 1: {a: b}'],
    'services: {web: {healthcheck: {test: ["${X:?no}", curl]}}}': ['interp.required at 1: "${X:?no}"'],
    'services: {web: {secrets: [s, {source: [x]}]}}\nsecrets: {s: {file: [y]}}': [
      'schema.type at 1: [x]',
      'schema.type at 2: [y]',
    ],
    'services: {web: {develop: {watch: [{path: ., action: sync, target: [x]}]}}}': ['schema.type at 1: [x]'],
    'services: {web: {extends: db, tty: 5}, db: {image: [x]}}': ['schema.type at 1: 5', 'schema.type at 1: [x]'],
    'services: {web: {image: !binary aGk=}}': ['yaml.tag at 1: !binary'],
    'services: {web: {ports: [*nope]}}': ['yaml.syntax at 1: *nope'],
    'services: {web: {cgroup: {}, pull_policy: [x]}}': ['schema.type at 1: {}', 'schema.type at 1: [x]'],
    'services: [web]': ['schema.type at 1: [web]'],
    'services: {web: {mem_limit: "${X:?a}", deploy: {resources: {limits: {memory: 10m}}}}}': [
      'interp.required at 1: "${X:?a}"',
    ],
    'services: {web: {depends_on: {db: {condition: often}}}, db: {image: i}}': ['schema.enum at 1: often'],
    'services: {web: {security_opt: [A, A], ports: ["99999"]}}': [
      'schema.duplicate at 1: security_opt',
      'value.range at 1: "99999"',
    ],
  };
  for (const [text, expected] of Object.entries(cases)) assert.deepEqual(errorsOf(text), expected, text);
});

test('a missing key is named when nothing of its mapping was set aside', () => {
  assert.deepEqual(errorsOf('services: {web: {ports: [{published: "80"}], volumes: [{type: bind, target: /x}]}}'), [
    'schema.missing at 1: {published: "80"}',
    'schema.missing at 1: {type: bind, target: /x}',
  ]);
});

test('a duplicate key and a tag do not hide the problems of other lines', () => {
  const text = `services:
  web:
    image: a
    image: b
    ports: ["80:x"]
    hostname: !secret h
    depends_on: [nope]
`;
  assert.deepEqual(errorsOf(text), [
    'yaml.duplicate-key at 4: image',
    'value.range at 5: "80:x"',
    'yaml.tag at 6: !secret',
    'ref.missing at 7: nope',
  ]);
});

/** The errors of several files, as `FILE CODE LINE`. */
function errorsOfFiles(files: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'problems-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const problems = problemsOf('', { files: Object.keys(files).map((name) => join(folder, name)) });
    return problems.filter(isError).map(({ code, position }) => {
      return `${position?.file.slice(folder.length + 1)} ${code} ${position?.line}`;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the problems of several files are reported together, those of a part that another file replaces included', () => {
  const errors = errorsOfFiles({
    'a.yaml': 'services:\n  web:\n    command: {a: b}\n    ports: "80"\n    mem_limit: much\n',
    'b.yaml': 'services:\n  web:\n    command: [x]\n    ports: ["81"]\n    imagee: x\n    hostname: ${H:?h}\n',
    'c.yaml': 'services:\n  web:\n    networks: [back]\n',
  });
  assert.deepEqual(errors, [
    'a.yaml schema.type 3',
    'a.yaml schema.type 4',
    'a.yaml value.range 5',
    'b.yaml schema.unknown-key 5',
    'b.yaml interp.required 6',
    'c.yaml ref.missing 3',
  ]);
});

test('a file may leave out, reset or empty what another one completes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'problems-'));
  try {
    const [base, over] = [join(folder, 'a.yaml'), join(folder, 'b.yaml')];
    writeFileSync(base, 'services: {web: {depends_on: {db: {}}, ports: ["80:80"], image: x}, db: {image: y}}');
    writeFileSync(over, 'services: {web: {depends_on: {db: {condition: service_started}}, ports: !reset 5}, db: }');
    assert.throws(() => problemsOf('', { files: [base, over] }), /the text loaded/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the syntax errors of every file are shown before anything else is checked', () => {
  const errors = errorsOfFiles({
    'a.yaml': 'services: {web: [}\n',
    'b.yaml': 'services:\n  web: "x\n',
    'c.yaml': 'servces: {}\n',
  });
  assert.ok(errors.includes('a.yaml yaml.syntax 1'));
  assert.ok(errors.includes('b.yaml yaml.syntax 2'));
  assert.ok(
    errors.every((each) => each.includes('yaml.syntax')),
    errors.join('\n'),
  );
});

test('a file that is missing does not hide the problems of the others, nor are its names missed', () => {
  const problems = problemsOf('services: {web: {imagee: x, networks: [back]}}', { files: ['-', '/nowhere/b.yaml'] });
  assert.deepEqual(problems.map(({ code }) => code).sort(), ['path.missing', 'schema.unknown-key']);
});
