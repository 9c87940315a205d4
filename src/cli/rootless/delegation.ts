import type { Rootless } from '../../model/rootless.ts';
import type { DoctorCheck } from '../doctor/check.ts';

const NOT_KEPT = 'mem_limit, cpus and the like are not kept';
const FIX = 'systemd-run --user --scope -p Delegate=yes tsstack up -d';

/** What is looked at. */
export interface DelegationFacts {
  /** Text of /proc/self/cgroup. */
  readonly own: string;
  /** Text of /proc/self/mountinfo. */
  readonly mountinfo: string;
  readonly isWritable: (path: string) => boolean;
  /** Text of a file, empty where it cannot be read. */
  readonly read: (path: string) => string;
  readonly pid: number;
  /** Text of what the process outside keeps of it: JSON of `cgroup` or `cgroupProblem`; empty: there is none. */
  readonly taken: string;
}

/** Whether limits can be kept: cgroups(7), "Cgroups delegation". Without a cgroup containers run all the same: never missing. */
export function checkDelegation(facts: DelegationFacts): DoctorCheck {
  const name = 'delegated cgroup';
  const taken = parseTaken(facts.taken);
  if (taken?.cgroup !== undefined) return { name, status: 'ok', found: `${taken.cgroup}, in use` };
  const problem = findProblem(facts);
  if (problem === undefined && taken === undefined) return { name, status: 'ok', found: ownCgroup(facts) ?? '' };
  // It stays as it was when the first command was given.
  const { found, fix } = problem ?? {
    found: `${taken?.cgroupProblem}, and that stays until every stack is down`,
    fix: FIX,
  };
  return { name, status: 'warning', found: `${found}: ${NOT_KEPT}`, ...(fix !== undefined && { fix }) };
}

interface Problem {
  readonly found: string;
  readonly fix?: string;
}

function findProblem(facts: DelegationFacts): Problem | undefined {
  const lines = facts.mountinfo.split('\n');
  const mount = lines.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
  const path = ownCgroup(facts);
  if (
    mount === undefined ||
    path === undefined ||
    lines.some((line) => / - cgroup \S+ \S*\b(cpu|memory|pids)\b/.test(line))
  ) {
    return { found: 'cgroup v1' };
  }
  const files = ['', '/cgroup.procs', '/cgroup.subtree_control'].map((file) => `${mount}${path}${file}`);
  if (!files.every(facts.isWritable)) return { found: `${path} is not this user's`, fix: FIX };
  const others = facts
    .read(`${mount}${path}/cgroup.procs`)
    .split('\n')
    .filter((line) => line !== '' && Number(line) !== facts.pid);
  if (others.length === 0) return undefined;
  return { found: `${path} holds other processes too (${others.slice(0, 3).join(', ')})`, fix: FIX };
}

function ownCgroup({ own }: DelegationFacts): string | undefined {
  return /^0::(.*)$/m.exec(own)?.[1];
}

function parseTaken(text: string): Pick<Rootless, 'cgroup' | 'cgroupProblem'> | undefined {
  try {
    return JSON.parse(text) as Pick<Rootless, 'cgroup' | 'cgroupProblem'>;
  } catch {
    return undefined;
  }
}
