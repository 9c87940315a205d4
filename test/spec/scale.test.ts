import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadText, problemsOf } from './load-text.ts';

const TEXT = `services:
  web: {image: host, deploy: {replicas: 2}}
  db: {image: host, scale: 2}
  one: {image: host, container_name: only}
`;

function replicas(scale: Readonly<Record<string, number>>): readonly number[] {
  const { services } = loadText(TEXT.replaceAll('image: host, ', 'command: x, '), { scale }).stack;
  return ['web', 'db', 'one'].map((name) => services[name]?.replicas ?? -1);
}

test('a number of replicas that a command gives counts more than scale and deploy.replicas', () => {
  assert.deepEqual(replicas({}), [2, 2, 1]);
  assert.deepEqual(replicas({ web: 4, db: 0 }), [4, 0, 1]);
});

test('more than one replica of a service with a container_name is an error at that name, whoever asks for it', () => {
  const [problem] = problemsOf(TEXT, { scale: { one: 2 } });
  assert.deepEqual([problem?.position?.line, problem?.position?.column], [4, 38]);
  assert.match(problem?.message ?? '', /container_name/);
});

test('scaling a service that no file has is an error that names those that there are', () => {
  const [problem] = problemsOf(TEXT, { scale: { wbe: 2 } });
  assert.match(problem?.message ?? '', /there is no service "wbe"/);
  assert.match(problem?.hint ?? '', /web/);
});
