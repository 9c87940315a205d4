import { TsstackError } from '../model/error.ts';
import type { BatchOutcome } from './batcher.ts';
import type { HostOp } from './op.ts';
import type { RunCommand } from './run-command.ts';

export type IpOp = Extract<HostOp, { readonly op: 'ip' }>;

/** Lines of one step for one namespace; they go into the batch together and in order. */
export type IpGroup = readonly IpOp[];

/** iproute2's words for "it is there already" and "it is not there". */
const TOLERATED = {
  exists: /File exists|already exists|Nexthop has invalid gateway \(exists\)/,
  absent: /Cannot find device|No such (?:file|device|process)|does not exist|not found|Cannot assign requested address/,
};

/**
 * Runs the groups as one `ip -force -batch -`. With `-force`, iproute2 goes on after a failed line and names it
 * afterwards as `Command failed -:LINE`, with its message on the lines before.
 */
export async function runIpBatch(
  netns: string | undefined,
  groups: readonly IpGroup[],
  run: RunCommand,
): Promise<readonly BatchOutcome[]> {
  const outcomes = await runOnce(netns, groups, run);
  for (const [index, outcome] of outcomes.entries()) {
    if (!(outcome instanceof InTheWay)) continue;
    const again = [...outcome.evictions, ...(groups[index] ?? []).map(withoutEviction)];
    outcomes[index] = (await runOnce(netns, [again], run))[0];
  }
  return outcomes;
}

async function runOnce(
  netns: string | undefined,
  groups: readonly IpGroup[],
  run: RunCommand,
): Promise<BatchOutcome[]> {
  const lines = groups.flat();
  const argv = ['ip', ...(netns === undefined ? [] : ['-n', netns]), '-force', '-batch', '-'];
  const result = await run(argv, { stdin: batchText(lines), allowFailure: true });
  const failures = parseFailures(result.stderr);
  if (result.exitCode !== 0 && failures.size === 0) {
    throw new TsstackError(
      'command-failed',
      `"${argv.join(' ')}" ended with status ${result.exitCode}: ${result.stderr.trim()}`,
    );
  }
  let first = 0;
  return groups.map((group) => {
    const outcome = groupOutcome(group, first, failures);
    first += group.length;
    return outcome;
  });
}

/** Something stands where a line was to make its own. */
class InTheWay extends Error {
  readonly evictions: readonly IpOp[];

  constructor(evictions: readonly IpOp[]) {
    super('something is in the way');
    this.evictions = evictions;
  }
}

function withoutEviction({ evict: _, ...op }: IpOp): IpOp {
  return op;
}

function groupOutcome(group: IpGroup, first: number, failures: ReadonlyMap<number, string>): BatchOutcome {
  const evictions = group.flatMap(({ evict }, index): readonly IpOp[] => {
    const exists = TOLERATED.exists.test(failures.get(first + index + 1) ?? '');
    return evict !== undefined && exists ? [{ op: 'ip', args: evict, tolerate: 'absent' }] : [];
  });
  if (evictions.length > 0) return new InTheWay(evictions);
  for (const [index, op] of group.entries()) {
    const message = failures.get(first + index + 1);
    if (message === undefined) continue;
    if (op.tolerate !== undefined && TOLERATED[op.tolerate].test(message)) continue;
    const where = op.netns === undefined ? '' : `-n ${op.netns} `;
    return new TsstackError('command-failed', `"ip ${where}${op.args.join(' ')}" failed: ${message}`);
  }
  return undefined;
}

/** Line number (from 1) → message. */
export function parseFailures(stderr: string): ReadonlyMap<number, string> {
  const failures = new Map<number, string>();
  let message: string[] = [];
  for (const line of stderr.split('\n')) {
    const match = /^Command failed -:([0-9]+)$/.exec(line);
    if (match === null) {
      if (line.trim() !== '') message.push(line.trim());
      continue;
    }
    failures.set(Number(match[1]), message.join('; ') || 'no reason given');
    message = [];
  }
  return failures;
}

/** The lines as iproute2 reads them. Throws `internal` for a word that cannot be written. */
export function batchText(lines: readonly { readonly args: readonly string[] }[]): string {
  return lines.map(({ args }) => `${args.map(batchWord).join(' ')}\n`).join('');
}

/**
 * iproute2's batch reader (getcmdline() and makeargs() of lib/utils.c) cuts a line at `#`, quoted or not, joins lines at a
 * backslash, splits at blanks, and takes a word that begins with a quote up to the next one: those can't be written.
 */
function batchWord(word: string): string {
  if (/["\n\r\\#\0]/.test(word)) {
    throw new TsstackError('internal', `${JSON.stringify(word)} cannot be part of an ip batch`);
  }
  return /^[^\s']\S*$/.test(word) ? word : `"${word}"`;
}
