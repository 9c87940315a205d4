import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkBuilds } from '../../../src/engine/build/check-builds.ts';
import { namedBuilds, namesToPush } from '../../../src/engine/build/wanted-builds.ts';
import { withDirectory } from '../../helpers/image-builder.ts';
import { loadText } from '../../spec/load-text.ts';

const TEXT = `services:
  web: {build: {context: ., tags: ["r.example/web:2"], additional_contexts: {x: "service:base"}}, depends_on: [db]}
  db: {build: ., image: "r.example/db:1", x-rootfs: /r}
  base: {build: .}
  plain: {image: x}
`;

test('builds of named services, of what they depend on, and of those whose image they take', () => {
  const named = (services: readonly string[], withDependencies = false): readonly string[] =>
    namedBuilds(loadText(TEXT, { services }).stack, { services, withDependencies }).map(({ service }) => service);
  assert.deepEqual(named([]), ['base', 'db', 'web']);
  assert.deepEqual(named(['web']), ['base', 'web']);
  assert.deepEqual(named(['web'], true), ['base', 'db', 'web']);
  assert.deepEqual(named(['plain']), []);
});

test('what is pushed are the names that somebody gave', () => {
  const { stack } = loadText(TEXT);
  const builds = namedBuilds(stack, { services: [], withDependencies: false });
  assert.deepEqual(
    builds.map((build) => namesToPush(stack, build)),
    [[], [], ['r.example/web:2']],
  );
  const image = loadText('services: {a: {build: ., image: "r.example/a:1"}}').stack;
  const [build] = namedBuilds(image, { services: [], withDependencies: false });
  assert.deepEqual(build && namesToPush(image, build), ['r.example/a:1']);
});

test('checkBuilds() reads what lies here, also as dockerfile, and says what it cannot read', () =>
  withDirectory((directory) => {
    mkdirSync(`${directory}/lower`);
    writeFileSync(`${directory}/lower/dockerfile`, 'FROM scratch\nCOPY --from=gone a b\nCOPY --from=ctx a\n');
    const check = (build: string): readonly string[] => {
      const { stack } = loadText(`services: {a: {build: ${build}}}`, { cwd: directory });
      const builds = namedBuilds(stack, { services: [], withDependencies: false });
      return checkBuilds(builds).map(({ severity, message }) => `${severity}: ${message.replace(directory, '')}`);
    };
    assert.deepEqual(check('{context: ., dockerfile_inline: "FROM scratch"}'), []);
    assert.deepEqual(check('{context: ., dockerfile_inline: "ARG A\\nFROM $$A", args: {A: alpine}}'), []);
    assert.match(check('{context: ., dockerfile_inline: "ARG A\\nFROM $$A"}')[0] ?? '', /^error: /);
    assert.match(check('./lower')[0] ?? '', /^error: COPY needs/);
    assert.match(
      check('https://example.com/x.git')[0] ?? '',
      /^warning: a: https:\/\/example.com\/x.git is not fetched/,
    );
    assert.match(check('./none')[0] ?? '', /^error: a: .*\/none\/Dockerfile/);
    assert.match(check('{context: lower, dockerfile: ../other}')[0] ?? '', /^error: a: .*\/other/);
  }));
