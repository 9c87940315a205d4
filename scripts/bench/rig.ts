import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from './timing.ts';

/** The folder that sets up Docker and others in namespaces of their own; see its README. */
export const PEERS = process.env['PEERS'] ?? resolve(ROOT, '../shared/peers');
const DIRECTORY = process.env['PEERS_DIR'] ?? '/var/tmp/tsstack-peers';
/** What the rig sees as /peers. */
export const PEERS_WORK = join(DIRECTORY, 'work');

export function isRigRunning(): boolean {
  try {
    inRig('docker', 'version');
    return true;
  } catch {
    return false;
  }
}

/** Standard output of a command in the rig. Throws when it fails. */
export function inRig(...argv: readonly string[]): string {
  const enter = join(PEERS, 'peers-exec');
  if (!existsSync(enter)) throw new Error(`there is no ${enter}`);
  return execFileSync(enter, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Process id, as this machine has it, of the rig's first process: its network namespace is the host's of Docker. */
export function rigPid(): number {
  return Number(readFileSync(join(DIRECTORY, 'state/init.pid'), 'utf8').split(' ')[0]);
}

/** Process id, as this machine has it, of a container of Docker's. */
export function dockerPid(container: string): number {
  const inside = Number(inRig('docker', 'inspect', '-f', '{{.State.Pid}}', container));
  const found = readdirSync('/proc').find((name) => /^\d+$/.test(name) && idInRig(name) === inside);
  if (found === undefined) throw new Error(`no process of container ${container}`);
  return Number(found);
}

/** What a process is called in the rig's own PID namespace, the second that it has; undefined: it is in none, or gone. */
function idInRig(pid: string): number | undefined {
  try {
    const [, id] = /^NSpid:\t\d+\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return id === undefined ? undefined : Number(id);
  } catch {
    return undefined;
  }
}
