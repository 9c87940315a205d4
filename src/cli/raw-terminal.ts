import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { ContainerSummary } from '../daemon/api.ts';
import { openTerminal } from './container-terminal.ts';
import { standardStream } from './terminal.ts';

/**
 * Puts our terminal into raw mode, so that every key goes over, and gives the container's the size of ours, now and when
 * it changes. Where our standard streams are no terminals nothing is done to them.
 */
export function rawTerminal({ pid }: ContainerSummary): { readonly restore: () => void } {
  const { stdin, stdout } = process;
  const resize = (): void => copySize(pid);
  resize();
  if (stdin.isTTY) stdin.setRawMode(true);
  stdout.on('resize', resize);
  return {
    restore: () => {
      stdout.off('resize', resize);
      if (stdin.isTTY) stdin.setRawMode(false);
    },
  };
}

/** The terminal of the first process is the first of its devpts. What is there instead is not waited for. */
function copySize(pid: number | undefined): void {
  const { columns, rows, isTTY } = standardStream(1);
  if (!isTTY || pid === undefined) return;
  try {
    const terminal = openTerminal(`/proc/${pid}/root/dev/pts/0`);
    setWindowSize(terminal, { columns, rows });
    closeSync(terminal);
  } catch {
    // It has ended, or has closed its terminal.
  }
}

/** TIOCSWINSZ, which stty(1) does to its standard input; on either end of a terminal. */
export function setWindowSize(
  descriptor: number,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): void {
  spawnSync('stty', ['rows', String(rows), 'cols', String(columns)], { stdio: [descriptor, 'ignore', 'ignore'] });
}
