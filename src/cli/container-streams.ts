import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { ContainerSummary, KillRequest } from '../daemon/api.ts';
import type { RunResult } from '../daemon/run-api.ts';
import { LogReader } from '../log/log-reader.ts';
import type { Context } from './command.ts';
import { DetachKeys } from './detach-keys.ts';
import { untilEnded } from './end-of-container.ts';
import { forwardSignals } from './forward-signals.ts';
import { writeStandardError, writeStandardOutput } from './log-output.ts';
import { rawTerminal } from './raw-terminal.ts';

export interface StreamOptions {
  /** Where in its log its output begins to be shown. */
  readonly from: number;
  /** Ends before that time are those of earlier runs; milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Pass our standard input on. */
  readonly input: boolean;
  /** Pass our signals on. */
  readonly signals: boolean;
  readonly detachKeys: Uint8Array;
  /** Called when its log is open: from then on it is read to its end, also when it is removed. */
  readonly opened?: () => void;
}

/**
 * Takes part in the standard streams of a container's first process until it ends; gives its exit status, or 'detached'
 * when the keys for that were typed. What it says comes from its log files, which are written with or without us; what
 * is typed goes into a named pipe that something holds for as long as it runs.
 */
export async function takePart(
  context: Context,
  target: RunResult,
  options: StreamOptions,
): Promise<number | 'detached'> {
  const { container, tty } = target;
  const readers = openReaders(container, options.from);
  const reading = readers.map((reader) => reader.run());
  options.opened?.();
  const leave = new AbortController();
  const input = options.input && target.stdinPath !== undefined ? await openInput(target.stdinPath) : undefined;
  const keys = new DetachKeys(tty && process.stdin.isTTY ? options.detachKeys : new Uint8Array());
  const terminal = tty ? rawTerminal(container) : undefined;
  const stopSignals = options.signals ? forwardSignals((signal) => kill(context, container, signal)) : undefined;
  const detached = Promise.withResolvers<'detached'>();
  const send = (bytes: Buffer): void => {
    const passed = keys.pass(bytes);
    if (passed === undefined) detached.resolve('detached');
    else input?.write(passed);
  };
  if (input !== undefined) process.stdin.on('data', send).once('end', input.end);
  try {
    return await Promise.race([untilEnded(context, container, options.sinceMs, leave.signal), detached.promise]);
  } finally {
    leave.abort();
    process.stdin.off('data', send).pause();
    input?.close();
    terminal?.restore();
    for (const reader of readers) reader.finish();
    await Promise.all(reading);
    stopSignals?.();
  }
}

function openReaders({ logPath, errorLogPath }: ContainerSummary, from: number): readonly LogReader[] {
  const options = { follow: true, timestamps: false };
  const out = new LogReader([{ path: logPath, prefix: '', from }], options, writeStandardOutput);
  if (errorLogPath === undefined) return [out];
  return [out, new LogReader([{ path: errorLogPath, prefix: '', from: 0 }], options, writeStandardError)];
}

interface Input {
  readonly write: (bytes: Uint8Array) => void;
  /** When all has been read. Can be called twice. */
  readonly end: () => void;
  /** At once: there may be nobody who reads. */
  readonly close: () => void;
}

/**
 * Never waits for a reader: a container that has ended has none. With a pipe that ends (`<path>.go` is there) whoever held
 * it open for us lets go, so that our end is its end.
 */
async function openInput(path: string): Promise<Input | undefined> {
  const flags = constants.O_RDWR | constants.O_NONBLOCK;
  let pipe: number;
  try {
    pipe = openSync(path, flags);
  } catch {
    return undefined;
  }
  const { Socket } = await import('node:net');
  const socket = new Socket({ fd: pipe, readable: false, writable: true });
  socket.on('error', () => socket.destroy());
  socket.on('drain', () => process.stdin.resume());
  letGo(`${path}.go`, flags);
  return {
    write: (bytes) => void (!socket.destroyed && !socket.write(bytes) && process.stdin.pause()),
    end: () => void socket.end(() => socket.destroy()),
    close: () => void socket.destroy(),
  };
}

function letGo(path: string, flags: number): void {
  try {
    const go = openSync(path, flags);
    writeSync(go, 'go\n');
    closeSync(go);
  } catch {
    // A pipe that never ends has no such file.
  }
}

async function kill(context: Context, { stack, service, index }: ContainerSummary, signal: string): Promise<void> {
  const request: KillRequest = { selector: { stack }, services: [service], index, signal };
  await context.client.post('/v1/kill', request).catch(() => undefined);
}
