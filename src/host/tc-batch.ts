import { TsstackError } from '../model/error.ts';
import type { BatchOutcome } from './batcher.ts';
import { batchText, parseFailures } from './ip-batch.ts';
import type { HostOp } from './op.ts';
import type { RunCommand } from './run-command.ts';

export type TcOp = Extract<HostOp, { readonly op: 'tc' }>;

/** The kernel's words for "it is not there". */
const ABSENT =
  /Cannot delete qdisc with handle of zero|Invalid handle|(?:Cannot|Failed to) find specified qdisc|Cannot find device|No such (?:file|device)/;
const UNKNOWN = /Specified qdisc kind is unknown|qdisc kind .* is unknown/;

/** Runs the groups, lines of one step each, as one `tc -force -batch -`, which goes on after a failed line as `ip` does. */
export async function runTcBatch(groups: readonly (readonly TcOp[])[], run: RunCommand): Promise<BatchOutcome[]> {
  const argv = ['tc', '-force', '-batch', '-'];
  const result = await run(argv, { stdin: batchText(groups.flat()), allowFailure: true });
  const failures = parseFailures(result.stderr);
  if (result.exitCode !== 0 && failures.size === 0) {
    throw new TsstackError(
      'command-failed',
      `"${argv.join(' ')}" ended with status ${result.exitCode}: ${result.stderr.trim()}`,
    );
  }
  let line = 0;
  return groups.map((group) => {
    const outcomes = group.map((op) => {
      line += 1;
      return outcome(op, failures.get(line));
    });
    return outcomes.find((each) => each !== undefined);
  });
}

function outcome({ args, tolerate }: TcOp, message: string | undefined): BatchOutcome {
  if (message === undefined || (tolerate === 'absent' && ABSENT.test(message))) return undefined;
  const kind = ['netem', 'tbf', 'ingress'].find((name) => args.includes(name));
  if (UNKNOWN.test(message) && kind !== undefined) {
    return new TsstackError('unsupported-host', `The kernel has no queueing discipline "${kind}" (tc-${kind}(8))`, {
      hint: `Load the module sch_${kind}, or boot a kernel that has it; without netem only a rate can be had`,
    });
  }
  return new TsstackError('command-failed', `"tc ${args.join(' ')}" failed: ${message}`);
}
