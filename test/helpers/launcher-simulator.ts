import { AT_FDCWD } from '../../src/runtime/launcher/constants.ts';
import type { Argument, Call } from '../../src/runtime/launcher/program.ts';

/** What a run of the launcher did with descriptors, and which paths it looked up before and after the root changed. */
export interface Simulation {
  /** Descriptors that are open when the program is executed, close-on-exec or not. */
  readonly open: readonly number[];
  /** What opened each of them, in words; those of the start are missing. */
  readonly openedBy: Readonly<Record<number, string>>;
  readonly pathsBefore: readonly string[];
  readonly pathsAfter: readonly string[];
}

/** Arguments that are descriptors, by system call. */
const DESCRIPTORS: Readonly<Record<string, readonly number[]>> = {
  close: [0],
  dup3: [0],
  execveat: [0],
  faccessat: [0],
  fchownat: [0],
  fchown: [0],
  fcntl: [0],
  fsconfig: [0],
  fsmount: [0],
  ioctl: [0],
  mknodat: [0],
  mkdirat: [0],
  mount_setattr: [0],
  move_mount: [0, 2],
  open_tree: [0],
  openat: [0],
  openat2: [0],
  readlinkat: [0],
  setns: [0],
  symlinkat: [1],
  unlinkat: [0],
  write: [0],
};

/**
 * Runs the calls without a kernel. Every call succeeds but those in `failing` (by index), which fail with an error that
 * they tolerate. Throws when a call names a descriptor that is not open.
 */
export function simulate(calls: readonly Call[], failing: ReadonlySet<number>, start: readonly number[]): Simulation {
  const open = new Set(start);
  const paths: [before: string[], after: string[]] = [[], []];
  const openedBy = new Map<number, string>();
  let changed = false;
  for (let index = 0; index < calls.length; index += 1) {
    const call = calls[index];
    if (call === undefined) break;
    paths[changed ? 1 : 0].push(
      ...call.args.filter((each) => typeof each === 'string' && each.startsWith('/')).map(String),
    );
    checkDescriptors(call, index, open);
    if (failing.has(index)) {
      index += call.skip;
      continue;
    }
    if (call.name === 'pivot_root') changed = true;
    if (call.executes) break;
    for (let opens = call.name === 'pipe2' ? 2 : call.opens ? 1 : 0; opens > 0; opens -= 1) {
      const descriptor = lowestFree(open);
      openedBy.set(descriptor, call.words);
      open.add(descriptor);
    }
    if (call.name === 'close') open.delete(Number(call.args[0]));
    if (call.name === 'close_range' && call.args[2] === 0) closeRange(open, call.args);
    if (call.name === 'dup3') open.add(Number(call.args[1]));
  }
  const left = [...open].sort((one, other) => one - other);
  const by = Object.fromEntries([...openedBy].filter(([descriptor]) => open.has(descriptor)));
  return { open: left, openedBy: by, pathsBefore: paths[0], pathsAfter: paths[1] };
}

function checkDescriptors(call: Call, index: number, open: ReadonlySet<number>): void {
  if (call.name === 'close' && call.tolerate.length > 0) return;
  for (const position of DESCRIPTORS[call.name] ?? []) {
    const descriptor = Number(call.args[position]);
    if (descriptor !== AT_FDCWD && !open.has(descriptor)) {
      throw new Error(`call ${index}, ${call.name} (${call.words}): ${descriptor} is not open`);
    }
  }
}

function closeRange(open: Set<number>, [first, last]: readonly Argument[]): void {
  for (const each of open) if (each >= Number(first) && each <= Number(last)) open.delete(each);
}

function lowestFree(open: ReadonlySet<number>): number {
  let descriptor = 0;
  while (open.has(descriptor)) descriptor += 1;
  return descriptor;
}
