import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadText, problemsOf } from './load-text.ts';

/** What is kept of the output of a service with this `logging`. */
function kept(logging: string): unknown {
  const { stack, diagnostics } = loadText(`services: {a: {image: i, logging: ${logging}}}`);
  assert.deepEqual(diagnostics, []);
  const { logDriver, logLimitBytes } = stack.services['a'] ?? {};
  return { ...(logDriver !== undefined && { logDriver }), ...(logLimitBytes !== undefined && { logLimitBytes }) };
}

test('logging: max-size × max-file bytes are kept, with the defaults of the drivers', () => {
  assert.deepEqual(kept('{driver: json-file, options: {max-size: 64k, max-file: "2"}}'), { logLimitBytes: 131_072 });
  assert.deepEqual(kept('{options: {max-size: 10m, max-file: 3}}'), { logLimitBytes: 3 * 10 * 1024 * 1024 });
  assert.deepEqual(kept('{options: {max-size: 1g}}'), { logLimitBytes: 1024 ** 3 });
  assert.deepEqual(kept('{options: {max-file: 3}}'), {}, 'files of no size have no limit');
  assert.deepEqual(kept('{driver: json-file}'), {});
  assert.deepEqual(kept('{driver: local}'), { logLimitBytes: 5 * 20 * 1024 * 1024 });
  assert.deepEqual(kept('{driver: local, options: {max-size: 1k}}'), { logLimitBytes: 5 * 1024 });
  assert.deepEqual(kept('{driver: none}'), { logDriver: 'none' });
});

test('logging: a driver that is not done keeps everything, whatever its options say', () => {
  const { stack } = loadText('services: {a: {image: i, logging: {driver: syslog, options: {max-size: nonsense}}}}');
  assert.equal(stack.services['a']?.logLimitBytes, undefined);
});

for (const [option, value] of [
  ['max-size', 'much'],
  ['max-size', '0'],
  ['max-size', '-1'],
  ['max-file', '0'],
  ['max-file', '1.5'],
] as const) {
  test(`logging: ${option}: ${value} is an error at its place`, () => {
    const options = option === 'max-size' ? `{max-size: "${value}"}` : `{max-size: 1m, max-file: "${value}"}`;
    const [problem, ...more] = problemsOf(`services:\n  a:\n    image: i\n    logging:\n      options: ${options}\n`);
    assert.deepEqual(more, []);
    assert.match(problem?.message ?? '', new RegExp(`^logging.options.${option} is "${value}": it must be`));
    assert.equal(problem?.position?.line, 5);
  });
}

test('x-ready that waits for a line of output needs a driver that keeps it', () => {
  const text = (driver: string): string =>
    `services: {a: {image: i, x-ready: ["tcp:80", "log:ready"], logging: {driver: ${driver}}}}`;
  assert.match(problemsOf(text('none'))[0]?.message ?? '', /^x-ready looks for a line of output/);
  assert.deepEqual(loadText(text('local')).diagnostics, []);
});
