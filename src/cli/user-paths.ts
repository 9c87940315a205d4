import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Paths } from '../store/paths.ts';

/**
 * Where everything of an ordinary user lies: below `XDG_DATA_HOME` and `XDG_RUNTIME_DIR` (XDG Base Directory
 * Specification), where logind has made the latter also if the variable is not set.
 */
export function userPaths(env: NodeJS.ProcessEnv): Paths {
  const data = absolute(env['XDG_DATA_HOME']) ?? `${homedir()}/.local/share`;
  const runtime = absolute(env['XDG_RUNTIME_DIR']) ?? `/run/user/${process.geteuid?.()}`;
  return {
    state: env['TSSTACK_STATE_DIR'] ?? `${data}/tsstack`,
    run: env['TSSTACK_RUN_DIR'] ?? `${runtime}/tsstack`,
  };
}

const SYS_ADMIN = 21n;

/** Neither root nor as mighty: `cp` runs this program again under an id of a container, with all that root may. */
export function isOrdinaryUser(): boolean {
  if (process.geteuid?.() === 0) return false;
  const effective = /^CapEff:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return ((BigInt(`0x${effective ?? '0'}`) >> SYS_ADMIN) & 1n) === 0n;
}

/** "All paths set in these environment variables must be absolute": others are to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') === true ? path.replace(/\/+$/, '') : undefined;
}
