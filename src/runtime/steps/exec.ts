import type { Security } from '../../model/limits.ts';
import type { ExecConfig } from '../config.ts';
import { EBADF, F_SETFD, FD_CLOEXEC, LAST_DESCRIPTOR } from '../launcher/constants.ts';
import { Program } from '../launcher/program.ts';
import { openPeer, takeTerminal } from './terminal.ts';

const TERMINAL = 4;

/**
 * The begin of the launcher of an exec, whoever enters: with itself open as descriptor 3, a terminal's master as 4 or
 * nothing, and a status pipe as 5.
 */
export function beginExec({ tty }: Pick<ExecConfig, 'tty'>): Program {
  const program = new Program([0, 1, 2, 3, ...(tty ? [TERMINAL] : []), 5]);
  program.call('close_range', [6, LAST_DESCRIPTOR, 0], 'close everything beyond the status pipe');
  if (!tty) program.call('close', [TERMINAL], 'close 4', { tolerate: [EBADF] });
  program.call('fcntl', [5, F_SETFD, FD_CLOEXEC], 'close the status pipe on execution');
  program.close(3);
  return program;
}

/** The other end of the master: on the same devpts, without looking for it by a path. `uid`: the host's. */
export function takePeer(program: Program, uid: number): void {
  takeTerminal(program, openPeer(program, TERMINAL), uid);
  program.close(TERMINAL);
}

/** Whoever is executed in a privileged container is as privileged, as with Docker. */
export function execSecurity({ spec, privileged }: Pick<ExecConfig, 'spec' | 'privileged'>): Security {
  return { ...spec.security, privileged: privileged || spec.security.privileged };
}
