import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalName, familiarName, parseReference } from '../../../src/image/content/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('image references', () => {
  for (const [text, full, familiar] of [
    ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['grafana/grafana', 'docker.io/grafana/grafana:latest', 'grafana/grafana:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['127.0.0.1:5000/team/app:2', '127.0.0.1:5000/team/app:2', '127.0.0.1:5000/team/app:2'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    ['registry.test/a__b/c-d.e:v1', 'registry.test/a__b/c-d.e:v1', 'registry.test/a__b/c-d.e:v1'],
    ['Host/app', 'Host/app:latest', 'Host/app:latest'],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
    [`busybox:1@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
  ] as const) {
    it(`${text} is ${full}`, () => {
      const reference = parseReference(text);
      assert.equal(canonicalName(reference), full);
      assert.equal(familiarName(reference), familiar);
      assert.equal(canonicalName(parseReference(familiar)), full);
    });
  }

  for (const text of [
    '',
    'Busybox',
    'a b',
    'busybox:',
    'busybox:-x',
    `busybox:${'x'.repeat(129)}`,
    'busybox@sha256:abc',
    `busybox@md5:${'a'.repeat(32)}`,
    `busybox@${DIGEST}@${DIGEST}`,
    'a//b',
    '/a',
    'a/',
    '../a',
    'a/../b',
    'a_-b',
    '-host.test/a',
    'host.test:port/a',
    `${'a'.repeat(256)}`,
    'a\n',
  ]) {
    it(`${JSON.stringify(text.slice(0, 40))} is none, and the error says so`, () => {
      assert.throws(() => parseReference(text), { code: 'image-invalid', message: /is not an image reference: / });
    });
  }
});
