import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildView, viewProgram } from '../../src/runtime/view.ts';
import { containerSpec, launchConfig } from '../helpers/launch-config.ts';

test('a view mounts volumes inside the new root, executes nothing, and waits for the end of its input', () => {
  const config = launchConfig({
    spec: containerSpec({ readOnly: true }),
    mounts: [
      { type: 'bind', source: '/host/data', sourceIsDirectory: true, target: '/data', readOnly: false },
      { type: 'bind', source: '/host/x', sourceIsDirectory: true, target: '/proc/x', readOnly: false },
      { type: 'tmpfs', target: '/memory', readOnly: false, options: 'mode=1777' },
    ],
  });
  const calls = viewProgram(config);
  const names: readonly string[] = calls.map(({ name }) => name);
  const words = calls.map((call) => call.words);
  assert.equal(names.includes('execve'), false);
  assert.deepEqual(words.slice(-3), ['close 5', 'wait until nobody needs this any more', 'end']);
  const place = (text: string): number => words.findIndex((each) => each.includes(text));
  assert.ok(place('take /host/data') < place('make it the root'));
  assert.ok(place('make it the root') < place('mount it on /data'));
  assert.ok(place('mount it on /data') < place('make / read-only'));
  assert.deepEqual([place('/memory'), place('/proc/x')], [-1, -1]);
  assert.ok(names.indexOf('unshare') < names.indexOf('mount'), 'nothing is mounted where the host is');
  assert.equal(buildView(config).directories.length, 2);
});
