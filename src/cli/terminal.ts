import { fstatSync, writeSync } from 'node:fs';
import { COLOR, PLAIN, type Style } from './style.ts';

/** Where text goes: standard output or standard error. */
export interface Terminal {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly style: Style;
  write(text: string): void;
}

/** Major 1, minor 3 (Documentation/admin-guide/devices.txt of Linux). */
const NULL_DEVICE = 0x103;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** File descriptor of standard output or standard error. */
type Fd = 1 | 2;

/** Standard output or standard error. Node's streams cost 4 ms to make: only a terminal gets one. */
export function openTerminal(fd: Fd, env: NodeJS.ProcessEnv): Terminal {
  return mayBeTerminal(fd) ? streamTerminal(standardStream(fd), env) : fileTerminal(fd);
}

/**
 * Node's stream of a descriptor, for what needs one. A reader that has seen enough (`tsstack logs | head`) is no
 * failure.
 */
export function standardStream(fd: Fd): NodeJS.WriteStream {
  const stream = fd === 1 ? process.stdout : process.stderr;
  if (stream.listenerCount('error') === 0) stream.on('error', (error) => failed(fd, error));
  return stream;
}

function failed(fd: Fd, error: NodeJS.ErrnoException): void {
  if (fd === 1) process.exit(error.code === 'EPIPE' ? 0 : 1);
}

/** Anything but a regular file, a pipe, a socket and /dev/null. */
function mayBeTerminal(fd: Fd): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev !== NULL_DEVICE;
  } catch {
    return true;
  }
}

/** Colour only on a terminal, and not with NO_COLOR (https://no-color.org) or TERM=dumb. */
function streamTerminal(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = stream.isTTY === true;
  const color = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    isTerminal,
    get columns() {
      return isTerminal ? stream.columns : Number.POSITIVE_INFINITY;
    },
    get rows() {
      return isTerminal ? stream.rows : Number.POSITIVE_INFINITY;
    },
    style: color ? COLOR : PLAIN,
    write: (text) => void stream.write(text),
  };
}

function fileTerminal(fd: Fd): Terminal {
  return {
    isTerminal: false,
    columns: Number.POSITIVE_INFINITY,
    rows: Number.POSITIVE_INFINITY,
    style: PLAIN,
    write: (text) => writeAll(fd, Buffer.from(text)),
  };
}

/** Waits for a reader that is slower than we are. */
function writeAll(fd: Fd, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const problem = error as NodeJS.ErrnoException;
      if (problem.code !== 'EAGAIN') {
        failed(fd, problem);
        return;
      }
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}
