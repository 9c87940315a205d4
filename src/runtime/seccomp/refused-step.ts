import { TsstackError } from '../../model/error.ts';
import type { Argument, Call } from '../launcher/program.ts';
import { type Architecture, type SyscallName, syscallNumber } from '../launcher/syscalls.ts';
import { ARCHITECTURES } from './compile.ts';
import type { Filter } from './filter.ts';
import { runFilter } from './run.ts';
import { RET_ALLOW, RET_ERRNO, RET_LOG } from './words.ts';

/** What an init calls after its fork (`launcher/machine.ts`); what it waits for goes on in its words. */
const AS_INIT: readonly (readonly [SyscallName, readonly number[]])[] = [
  ['close_range', [3, 0xffffffff, 0]],
  ['wait4', [-1, 0, 1, 0]],
  ['rt_sigtimedwait', [0, 0, 0, 8]],
  ['kill', [2, 15]],
  ['exit_group', [0]],
];

const DATA_OF_VERDICT = 0xffff;

/**
 * A launcher does its last steps under the filter that it has installed. One that refuses such a step may end the launcher
 * before it can say anything, and that looks like a program that was executed; one that answers 0 would even leave the step
 * out. So the filter is asked before anything is started. Arguments that point somewhere count as 0.
 *
 * `profile`: as the stack file names it. Throws `launch-failed` with the step, the call and the profile.
 */
export function refuseFilter(
  calls: readonly Call[],
  {
    filter,
    profile,
    arch,
  }: { readonly filter: Filter | undefined; readonly profile: string; readonly arch: Architecture },
): void {
  // Ours lets a launcher pass, as a test shows.
  if (filter === undefined || profile === 'default') return;
  const verdict = (name: SyscallName, args: readonly Argument[]): number => {
    const numbers = args.map((each) => (typeof each === 'number' || typeof each === 'bigint' ? BigInt(each) : 0n));
    const call = { number: syscallNumber(arch, name), audit: ARCHITECTURES[arch].audit, args: numbers };
    return runFilter(filter.program, call);
  };
  const installed = calls.findIndex(({ name }) => name === 'seccomp');
  for (const call of calls.slice(installed + 1)) {
    if (!passes(verdict(call.name, call.args), call)) throw refused(profile, call.name, call.words);
    if (call.fork !== 'init') continue;
    const name = AS_INIT.find(([each, args]) => !passes(verdict(each, args)))?.[0];
    if (name !== undefined) throw refused(profile, name, 'be the init of the container');
  }
}

function passes(verdict: number, call?: Call): boolean {
  if (verdict === RET_ALLOW || verdict === RET_LOG) return true;
  const isError = (verdict & ~DATA_OF_VERDICT) === RET_ERRNO;
  return isError && call?.executes === false && call.tolerate.includes(verdict & DATA_OF_VERDICT);
}

function refused(profile: string, name: SyscallName, words: string): TsstackError {
  return new TsstackError(
    'launch-failed',
    `The seccomp profile ${profile} refuses ${name}(2), and a start needs it to ${words}`,
    {
      hint: `Let ${name} pass in it: the last steps of a start are done under the filter (docs/launch.md, "Seccomp profiles")`,
    },
  );
}
