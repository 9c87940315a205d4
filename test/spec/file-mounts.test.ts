import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadText, problemsOf } from './load-text.ts';

const SOURCES = `
configs:
  c: {content: "colour=\${COLOUR}"}
  file: {file: ./c.conf}
secrets:
  s: {environment: TOKEN}
  unset: {environment: UNSET}
  else: {external: true, name: shared}
`;

const service = (keys: string) => `services: {a: {command: [run], ${keys}}}\n${SOURCES}`;

function filesOf(keys: string) {
  return loadText(service(keys)).stack.services['a']?.files;
}

const errorsOf = (keys: string) => problemsOf(service(keys)).filter(({ severity }) => severity === 'error');

test('a config is at /NAME and a secret at /run/secrets/NAME, readable by all and owned by root', () => {
  const owned = { uid: 0, gid: 0, mode: 0o444 };
  assert.deepEqual(filesOf('configs: [c], secrets: [s]'), [
    { kind: 'config', source: 'c', target: '/c', ...owned },
    { kind: 'secret', source: 's', target: '/run/secrets/s', ...owned },
  ]);
  assert.equal(filesOf('configs: []'), undefined);
});

test('relative targets of configs start at the root, those of secrets at /run/secrets; absolute ones stay', () => {
  const targets = (key: string, source: string, ...list: string[]) =>
    filesOf(`${key}: [${list.map((target) => `{source: ${source}, target: ${target}}`).join(', ')}]`)?.map(
      ({ target }) => target,
    );
  assert.deepEqual(targets('configs', 'c', 'etc/x', '/etc/y', '../z'), ['/etc/x', '/etc/y', '/z']);
  assert.deepEqual(targets('secrets', 's', 'db/x', '/etc/y', './z'), ['/run/secrets/db/x', '/etc/y', '/run/secrets/z']);
});

test('owner and mode are numbers, a mode in octal however it is written', () => {
  for (const mode of ['0440', '"0440"', '"440"', '288']) {
    const [file] = filesOf(`secrets: [{source: s, uid: "103", gid: "104", mode: ${mode}}]`) ?? [];
    assert.deepEqual([file?.uid, file?.gid, file?.mode], [103, 104, 0o440], mode);
  }
  const wrong = 'configs: [{source: c, uid: web}, {source: file, gid: "-1"}], secrets: [{source: s, mode: "rw-r"}]';
  assert.deepEqual(
    errorsOf(wrong).map(({ message }) => message),
    ['"web" is no uid of a file', '"-1" is no gid of a file', '"rw-r" is no mode of a file'],
  );
});

test('two files, or a file and a volume, cannot be at one place', () => {
  const at = (keys: string) => errorsOf(keys).map(({ code, message }) => `${code} ${message}`);
  assert.deepEqual(at('configs: [{source: c, target: /run/secrets/s}], secrets: [s]'), [
    'conflict.mount two mounts have the target "/run/secrets/s"',
  ]);
  assert.deepEqual(at('configs: [{source: c, target: /x}], volumes: ["/y:/x"]'), [
    'conflict.mount two mounts have the target "/x"',
  ]);
});

test('sources that a service uses have their path, text or value, and the place where they are declared', () => {
  const { stack } = loadText(service('configs: [c, file], secrets: [s, unset, else]'), {
    env: { COLOUR: 'red', TOKEN: 'hush' },
  });
  assert.deepEqual(
    { ...stack.configs },
    {
      c: { type: 'content', content: 'colour=red', place: '<stdin>:4:3' },
      file: { type: 'file', path: '/project/c.conf', place: '<stdin>:5:3' },
    },
  );
  assert.deepEqual(
    { ...stack.secrets },
    {
      s: { type: 'environment', variable: 'TOKEN', value: 'hush', place: '<stdin>:7:3' },
      unset: { type: 'environment', variable: 'UNSET', place: '<stdin>:8:3' },
      else: { type: 'external', name: 'shared', place: '<stdin>:9:3' },
    },
  );
  const unused = loadText(service('')).stack;
  assert.deepEqual([unused.configs, unused.secrets], [undefined, undefined]);
});
