import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsstackError } from '../../src/model/error.ts';
import type { Healthcheck } from '../../src/model/stack.ts';
import { loadText } from './load-text.ts';

const load = (text: string): Partial<Healthcheck> | undefined =>
  loadText(`services: {a: {command: [run], ${text}}}`).stack.services['a']?.healthcheck;

/** `line:column message` of each error. */
function errors(text: string): readonly string[] {
  try {
    load(text);
    return [];
  } catch (error) {
    assert.ok(error instanceof TsstackError && 'diagnostics' in error);
    const list = error.diagnostics as readonly { message: string; position?: { line: number; column: number } }[];
    return list.map(({ message, position }) => `${position?.line}:${position?.column} ${message}`);
  }
}

test('x-ready is a text, a list of them, or a test with times', () => {
  assert.deepEqual(load('x-ready: "tcp:5432"'), { test: [], ready: [{ type: 'tcp', port: 5432 }] });
  assert.deepEqual(load('x-ready: ["http:80", "http:8080/a?b=c", "file:/run/x", "log:a:b", "log:\\"q\\""]')?.ready, [
    { type: 'http', port: 80, path: '/' },
    { type: 'http', port: 8080, path: '/a?b=c' },
    { type: 'file', path: '/run/x' },
    { type: 'log', pattern: 'a:b' },
    { type: 'log', pattern: 'q' },
  ]);
  assert.deepEqual(load('x-ready: {test: "tcp:1", interval: 2s, timeout: 1s, retries: 4, start_period: 3s}'), {
    test: [],
    ready: [{ type: 'tcp', port: 1 }],
    intervalMs: 2000,
    timeoutMs: 1000,
    retries: 4,
    startPeriodMs: 3000,
  });
});

const WRONG: readonly [string, RegExp][] = [
  ['x-ready: "udp:53"', /^1:\d+ x-ready "udp:53": write tcp:PORT/],
  ['x-ready: "tcp:0"', /the port must be 1 to 65535/],
  ['x-ready: "tcp:70000"', /the port must be 1 to 65535/],
  ['x-ready: "http:80/a b"', /the port must be 1 to 65535/],
  ['x-ready: "file:run/x"', /the path must be absolute/],
  ['x-ready: "log:("', /Invalid regular expression/],
  ['x-ready: "log:"', /is empty/],
  ['x-ready: []', /write tcp:PORT/],
  ['x-ready: {test: "tcp:1", interval: soon}', /"soon" is not a duration/],
  ['x-ready: {interval: 1s}', /test/],
  ['x-ready: 5', /x-ready/],
  ['x-ready: "tcp:1", healthcheck: {test: x}', /both "healthcheck" and "x-ready": keep one/],
];

for (const [text, expected] of WRONG) {
  test(`${text} is an error with its place`, () => {
    const found = errors(text);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
  });
}

test('the place is that of the item, and a check that is switched off is in nobody’s way', () => {
  assert.match(errors('x-ready: ["tcp:1",\n"tcp:x"]')[0] ?? '', /^2:1 /);
  assert.deepEqual(errors('x-ready: "tcp:1", healthcheck: {disable: true}'), []);
});
