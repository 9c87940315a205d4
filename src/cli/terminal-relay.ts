import { spawn } from 'node:child_process';
import { ReadStream } from 'node:tty';
import { DetachKeys } from './detach-keys.ts';
import { setWindowSize } from './raw-terminal.ts';
import { standardStream } from './terminal.ts';

interface Relayed {
  /** Starts the program that has the other terminal. */
  readonly begin: () => {
    /** Of the program, when it has ended. */
    readonly status: Promise<number>;
    /** We may end before it. */
    readonly leave: () => void;
  };
  /** Empty: none. */
  readonly detachKeys: Uint8Array;
}

/**
 * Puts our terminal through to the master end of another one until its program has ended: ours is raw meanwhile, so that
 * every key goes over, and the window's size follows ours. The terminal is restored whatever happens. Closes `master`. Gives
 * the program's status, or 0 when the keys were typed that leave it running: somebody else then keeps its terminal open.
 */
export async function relayTerminal(master: number, { begin, detachKeys }: Relayed): Promise<number> {
  const { stdin, stdout } = process;
  const resize = (): void => copyWindowSize(master);
  resize();
  const { status, leave } = begin();
  // Descriptor of a terminal in both directions.
  const remote = new ReadStream(master);
  const closed = Promise.withResolvers<void>();
  // A master whose last slave is closed reads as EIO, pty(7): that is its end.
  remote.on('error', () => remote.destroy());
  remote.on('close', () => closed.resolve());
  const keys = new DetachKeys(stdin.isTTY ? detachKeys : new Uint8Array());
  const detached = Promise.withResolvers<'detached'>();
  const send = (typed: Buffer): void => {
    const passed = keys.pass(typed);
    if (passed === undefined) detached.resolve('detached');
    else remote.write(passed);
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', send);
  remote.on('data', (bytes: Buffer) => void stdout.write(bytes));
  stdout.on('resize', resize);
  try {
    const code = await Promise.race([status, detached.promise]);
    if (code === 'detached') {
      keepOpen(master);
      leave();
      return 0;
    }
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

/** A terminal whose master is closed hangs up. What is written to it is read and forgotten until its last program ends. */
function keepOpen(master: number): void {
  spawn('cat', [], { stdio: [master, 'ignore', 'ignore'], detached: true }).unref();
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

function copyWindowSize(master: number): void {
  const { columns, rows, isTTY } = standardStream(1);
  if (isTTY) setWindowSize(master, { columns, rows });
}
