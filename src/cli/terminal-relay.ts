import { spawnSync } from 'node:child_process';
import { ReadStream } from 'node:tty';
import { standardStream } from './terminal.ts';

/**
 * Puts our terminal through to the master end of another one while `run` runs: ours is raw meanwhile, so that every key
 * goes over, and the window's size follows ours. The terminal is restored whatever happens. Closes `master`.
 */
export async function relayTerminal(master: number, run: () => Promise<number>): Promise<number> {
  const { stdin, stdout } = process;
  const resize = (): void => copyWindowSize(master);
  resize();
  const status = run();
  // Descriptor of a terminal in both directions.
  const remote = new ReadStream(master);
  const closed = Promise.withResolvers<void>();
  // A master whose last slave is closed reads as EIO, pty(7): that is its end.
  remote.on('error', () => remote.destroy());
  remote.on('close', () => closed.resolve());
  const send = (keys: Buffer): void => void remote.write(keys);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', send);
  remote.on('data', (bytes: Buffer) => void stdout.write(bytes));
  stdout.on('resize', resize);
  try {
    const code = await status;
    await drained(remote, closed.promise);
    return code;
  } finally {
    stdout.off('resize', resize);
    stdin.off('data', send);
    stdin.pause();
    if (stdin.isTTY) stdin.setRawMode(false);
    remote.destroy();
  }
}

/**
 * The program has ended, so all of its output is in the terminal's buffer: it is read to its end, or, where a process in the
 * background keeps the terminal open, until nothing is left to read.
 */
async function drained(remote: ReadStream, closed: Promise<void>): Promise<void> {
  const { promise: idle, resolve } = Promise.withResolvers<void>();
  let timer = setTimeout(resolve, 20);
  remote.on('data', () => {
    clearTimeout(timer);
    timer = setTimeout(resolve, 20);
  });
  await Promise.race([closed, idle]);
  clearTimeout(timer);
}

/** TIOCSWINSZ on the master end, which stty(1) does to its standard input. */
function copyWindowSize(master: number): void {
  const { columns, rows, isTTY } = standardStream(1);
  if (!isTTY) return;
  spawnSync('stty', ['rows', String(rows), 'cols', String(columns)], { stdio: [master, 'ignore', 'ignore'] });
}
