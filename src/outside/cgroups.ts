import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rootless } from '../model/rootless.ts';

/** Where processes of ours are that are no container's: a cgroup that hands controllers down holds none itself. */
const ENGINE = 'tsstack.engine';

/** How long those who were killed may take to end, which a machine of little memory or an emulated one needs. */
const LEAVE_DEADLINE_MS = 10_000;
const LEAVE_RETRY_MS = 5;

export type Delegated = Pick<Rootless, 'cgroup' | 'cgroupProblem'>;

/**
 * What one before us was given, where it was killed, or what we are: so it must be asked for before anything is started.
 * It is kept in `directory` for the next one.
 */
export async function obtainCgroup(directory: string, client: number): Promise<Delegated> {
  const file = `${directory}/cgroup`;
  try {
    const before = JSON.parse(readFileSync(file, 'utf8')) as Delegated;
    if (before.cgroup !== undefined) joinEngine(before.cgroup, process.pid);
    return before;
  } catch {
    const delegated = await takeCgroup(client);
    writeFileSync(file, JSON.stringify(delegated), { mode: 0o600 });
    return delegated;
  }
}

/**
 * The cgroup that we are in, where it was delegated to this user (cgroups(7), "Cgroups delegation"): its directory and
 * files may be written. We go into one below it, with `client`, so that it can hand its controllers down.
 */
async function takeCgroup(client: number): Promise<Delegated> {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const mount = unifiedMount();
  if (own === undefined || mount === undefined) {
    return { cgroupProblem: 'this machine has cgroup v1, which cannot be delegated to users' };
  }
  const cgroup = `${mount}${own === '/' ? '' : own}`;
  // Who was there before: we are in the one below it.
  const base = cgroup.endsWith(`/${ENGINE}`) ? cgroup.slice(0, -ENGINE.length - 1) : cgroup;
  if (!isWritable(base)) {
    return { cgroupProblem: `cgroup ${own} was not delegated to this user` };
  }
  try {
    mkdirSync(`${base}/${ENGINE}`, { recursive: true });
    for (const pid of [process.pid, client]) joinEngine(base, pid);
    const names = readFileSync(`${base}/cgroup.controllers`, 'utf8').trim().split(/\s+/).filter(Boolean);
    if (names.length > 0) writeFileSync(`${base}/cgroup.subtree_control`, names.map((name) => `+${name}`).join(' '));
    return { cgroup: base };
  } catch (error) {
    await leaveCgroup(base);
    const busy = (error as NodeJS.ErrnoException).code === 'EBUSY';
    const why = busy ? 'holds processes that are not of tsstack' : `cannot be used: ${(error as Error).message}`;
    return { cgroupProblem: `cgroup ${own} ${why}` };
  }
}

/** A client may have been started beside ours again. Where it may not come, it stays. */
export function joinEngine(base: string, pid: number): void {
  writeFileSync(`${base}/${ENGINE}/cgroup.procs`, String(pid));
}

/**
 * As it was before: nothing is handed down, and nobody is below. Who was killed a moment ago cannot be moved any more, but
 * is in there until the kernel has ended it.
 */
export async function leaveCgroup(base: string): Promise<void> {
  const deadline = performance.now() + LEAVE_DEADLINE_MS;
  while (!tryToLeave(base) && performance.now() < deadline) await sleep(LEAVE_RETRY_MS);
}

function tryToLeave(base: string): boolean {
  try {
    const names = readFileSync(`${base}/cgroup.subtree_control`, 'utf8').trim().split(/\s+/).filter(Boolean);
    if (names.length > 0) writeFileSync(`${base}/cgroup.subtree_control`, names.map((name) => `-${name}`).join(' '));
    for (const pid of readFileSync(`${base}/${ENGINE}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)) {
      writeFileSync(`${base}/cgroup.procs`, pid);
    }
    rmdirSync(`${base}/${ENGINE}`);
    return true;
  } catch {
    return !existsSync(`${base}/${ENGINE}`);
  }
}

/** Only where no controller is on a v1 hierarchy: a hybrid machine has none to hand down. */
function unifiedMount(): string | undefined {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  if (lines.some((line) => / - cgroup \S+ \S*\b(cpu|memory|pids)\b/.test(line))) return undefined;
  return lines.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
}

function isWritable(cgroup: string): boolean {
  try {
    for (const name of ['', '/cgroup.procs', '/cgroup.subtree_control']) accessSync(`${cgroup}${name}`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
