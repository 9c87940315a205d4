import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { problemsOf } from './load-text.ts';

/** `CODE at LINE:COLUMN` of every error. */
function errorsOf(text: string, env: Readonly<Record<string, string>> = {}): string[] {
  return problemsOf(text, { env }).filter(isError).map(placed);
}

function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}

function placed({ code, position }: Diagnostic): string {
  return `${code} at ${position?.line}:${position?.column}`;
}

test('an unknown key, a bad value and a missing name are all reported in one run, in file order', () => {
  const text = "services: {web: {comand: [x], ports: ['80:70000'], depends_on: [nope]}}";
  assert.deepEqual(errorsOf(text), ['schema.unknown-key at 1:18', 'value.range at 1:39', 'ref.missing at 1:65']);
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
    'interp.required at 3:16',
    'schema.type at 4:14',
    'value.range at 5:24',
    'ref.missing at 6:16',
    'schema.type at 7:10',
    'schema.type at 8:17',
  ]);
});

test('what is set aside has no follow-up error', () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    'services: {web: {depends_on: [db]}, db: text}': ['schema.type at 1:42'],
    'services: {web: {depends_on: ["a b"]}, "a b": {}}': ['schema.pattern at 1:40'],
    'services: {web: {networks: [back]}}\nnetworks: [back]': ['schema.type at 2:11'],
    'services: {web: {networks: [back]}}\nnetwoks: {back: {}}': ['schema.unknown-key at 2:1'],
    'services: {web: {networks: [back]}}\nnetworks: {back: 5}': ['schema.type at 2:18'],
    'services: {web: {networks: [back]}}\ninclude: [x.yaml]': ['unsupported.key at 2:1'],
    'services: {web: {image: [x], depends_on: {db: 5}}, db: {}}': ['schema.type at 1:25', 'schema.type at 1:47'],
    'services: {web: {volumes: [{type: bind, source: [x], target: /x}]}}': ['schema.type at 1:49'],
    'services: {web: {volumes: [{tpye: bind, source: /x, target: /x}]}}': ['schema.unknown-key at 1:29'],
    'services: {web: {volumes: [{type: "${X:?no}", source: /x, target: /x}]}}': ['interp.required at 1:35'],
    'services: {web: {ports: [{taget: 80}]}}': ['schema.unknown-key at 1:27'],
    'services: {web: {healthcheck: {test: [{a: b}, curl]}}}': ['schema.type at 1:39'],
    'services: {web: {healthcheck: {test: ["${X:?no}", curl]}}}': ['interp.required at 1:39'],
    'services: {web: {secrets: [s]}}\nsecrets: {s: {file: [x]}}': ['schema.type at 2:21'],
    'services: {web: {develop: {watch: [{path: ., action: sync, target: [x]}]}}}': ['schema.type at 1:68'],
    'services: {web: {extends: db}, db: text}': ['schema.type at 1:36'],
    'services: {web: {extends: db, tty: 5}, db: {image: [x]}}': ['schema.type at 1:36', 'schema.type at 1:52'],
    'services: {web: {image: !binary aGk=}}': ['yaml.tag at 1:25'],
    'services: {web: {image: *nope}}': ['yaml.syntax at 1:25'],
    'services: [web]': ['schema.type at 1:11'],
    'services: {web: {mem_limit: "${X:?a}", deploy: {resources: {limits: {memory: 10m}}}}}': ['interp.required at 1:29'],
    'services: {web: {depends_on: {db: {condition: often}}}, db: {}}': ['schema.enum at 1:47'],
    'services: {web: {cap_add: [A, A], ports: ["99999"]}}': ['value.range at 1:43'],
  };
  for (const [text, expected] of Object.entries(cases)) assert.deepEqual(errorsOf(text), expected, text);
});

test('a missing key is named when nothing of its mapping was set aside', () => {
  assert.deepEqual(errorsOf('services: {web: {ports: [{published: "80"}], volumes: [{type: bind, target: /x}]}}'), [
    'schema.missing at 1:26',
    'schema.missing at 1:56',
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
    'yaml.duplicate-key at 4:5',
    'value.range at 5:13',
    'yaml.tag at 6:15',
    'ref.missing at 7:18',
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
    writeFileSync(base, 'services: {web: {depends_on: {db: {}}, ports: ["80:80"], image: x}, db: {}}');
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
  assert.ok(errors.every((each) => each.includes('yaml.syntax')), errors.join('\n'));
});

test('a file that is missing does not hide the problems of the others, nor are its names missed', () => {
  const problems = problemsOf('services: {web: {imagee: x, networks: [back]}}', { files: ['-', '/nowhere/b.yaml'] });
  assert.deepEqual(problems.map(({ code }) => code).sort(), ['path.missing', 'schema.unknown-key']);
});
