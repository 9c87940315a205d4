import { O_NOCTTY, O_RDWR, TIOCGPTPEER, TIOCSCTTY, TIOCSPTLCK } from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';

/** Opens the other end of a terminal's master, on the same devpts, without looking for it by a path. */
export function openPeer(program: Program, master: number): number {
  program.call('ioctl', [master, TIOCSPTLCK, new Uint8Array(4)], 'unlock the terminal');
  return program.open('ioctl', [master, TIOCGPTPEER, O_RDWR | O_NOCTTY], 'open the terminal');
}

/** Makes an open terminal that of this session and its standard streams. `uid`: the host's. */
export function takeTerminal(program: Program, terminal: number, uid: number): void {
  program.call('fchown', [terminal, uid, -1], `give it to user ${uid}`);
  program.call('ioctl', [terminal, TIOCSCTTY, 0], 'make it the controlling terminal');
  for (const descriptor of [0, 1, 2]) {
    program.call('dup3', [terminal, descriptor, 0], 'make it standard input, output and error');
  }
  program.close(terminal);
}
