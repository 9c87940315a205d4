import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TSSTACK } from '../helpers/client.ts';
import { run } from '../helpers/run.ts';
import { cli, withFiles } from './run-cli.ts';

/** More than a pipe holds. */
const LARGE = `services:\n${Array.from({ length: 2_000 }, (_, index) => `  s${index}: {image: busybox}\n`).join('')}`;

/** `tsstack config`, its standard output into a shell pipeline; prints the status of the client last. */
function piped(directory: string, into: string): Promise<{ stdout: string }> {
  const script = `{ "$0" config; echo "status $?" >&2; } | ${into}`;
  return run(['bash', '-c', `exec 2>&1; ${script}`, TSSTACK], { cwd: directory });
}

test('a slow reader gets every byte', () =>
  withFiles({ 'stack.yaml': LARGE }, async (directory) => {
    const { stdout } = await cli(directory, ['config']);
    const slow = await piped(directory, '{ sleep 0.2; wc -c; }');
    assert.match(slow.stdout, /^status 0$/m);
    assert.match(slow.stdout, new RegExp(`^${Buffer.byteLength(stdout)}$`, 'm'));
  }));

test('a reader that has seen enough is no failure', () =>
  withFiles({ 'stack.yaml': LARGE }, async (directory) => {
    const { stdout } = await piped(directory, 'head -1');
    assert.match(stdout, /^status 0$/m);
    assert.doesNotMatch(stdout, /error|EPIPE/i);
  }));
