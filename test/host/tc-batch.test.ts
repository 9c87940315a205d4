import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunOptions } from '../../src/host/host.ts';
import { runTcBatch, type TcOp } from '../../src/host/tc-batch.ts';
import { TsstackError } from '../../src/model/error.ts';

const del: TcOp = { op: 'tc', args: ['qdisc', 'del', 'dev', 'x', 'root'], tolerate: 'absent' };
const netem: TcOp = { op: 'tc', args: ['qdisc', 'add', 'dev', 'x', 'root', 'netem', 'delay', '1ms'] };
const tbf: TcOp = { op: 'tc', args: ['qdisc', 'add', 'dev', 'y', 'root', 'tbf', 'rate', '1mbit'] };

async function outcomes(groups: readonly (readonly TcOp[])[], stderr: string) {
  const sent: string[] = [];
  const found = await runTcBatch(groups, async (argv, options: RunOptions = {}) => {
    assert.deepEqual(argv, ['tc', '-force', '-batch', '-']);
    sent.push(String(options.stdin));
    return { stdout: '', stderr, exitCode: stderr === '' ? 0 : 1 };
  });
  return { found, sent };
}

test('steps share one process, and only those fail that have a failed line', async () => {
  const stderr =
    'Error: Cannot delete qdisc with handle of zero.\nCommand failed -:1\nError: Nonsense.\nCommand failed -:3\n';
  const { found, sent } = await outcomes([[del, netem], [tbf]], stderr);
  assert.deepEqual(sent, [
    'qdisc del dev x root\nqdisc add dev x root netem delay 1ms\nqdisc add dev y root tbf rate 1mbit\n',
  ]);
  assert.equal(found[0], undefined);
  assert.match(found[1]?.message ?? '', /"tc qdisc add dev y root tbf rate 1mbit" failed: Error: Nonsense/);
});

test('a kernel without a queueing discipline is said to lack it', async () => {
  const said = 'Error: Specified qdisc kind is unknown.\nWe have an error talking to the kernel\nCommand failed -:2\n';
  const [error] = (await outcomes([[del, netem]], said)).found;
  assert.ok(error instanceof TsstackError);
  assert.equal(error.code, 'unsupported-host');
  assert.match(error.message, /no queueing discipline "netem"/);
  assert.match(error.hint ?? '', /sch_netem/);
});

test('what is not absent is no success of a deletion', async () => {
  const [error] = (await outcomes([[del]], 'Error: Operation not permitted\nCommand failed -:1\n')).found;
  assert.match(error?.message ?? '', /not permitted/);
});
