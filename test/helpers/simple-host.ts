import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { FileStat, Host, RunOptions, RunResult } from '../../src/host/host.ts';
import type { HostOp } from '../../src/host/op.ts';

/** The real machine with the few operations that image and volume tests need. */
export function simpleHost(): Host {
  return {
    perform: async (ops) => {
      for (const op of ops) performOne(op);
    },
    run: async (argv, options) => runProgram(argv, options),
    readText: (path) => orUndefined(() => readFileSync(path, 'utf8')),
    readBytes: (path) => orUndefined(() => readFileSync(path)),
    readDirectory: (path) => orUndefined(() => readdirSync(path).sort()) ?? [],
    stat: (path) => orUndefined(() => fileStat(path)),
    readLink: (path) => orUndefined(() => readlinkSync(path)),
  };
}

function performOne(op: HostOp): void {
  // No test cuts the power, and flushing waits for everything else that writes to the machine's disk.
  if (op.op === 'run' && op.argv[0] === 'sync') return;
  if (op.op === 'mkdir') mkdirSync(op.path, { recursive: true, mode: op.mode ?? 0o755 });
  else if (op.op === 'write-file') {
    writeFileSync(op.path, op.data);
    chmodSync(op.path, op.mode ?? 0o644);
  } else if (op.op === 'remove') rmSync(op.path, { recursive: true, force: true });
  else if (op.op === 'run') runProgram(op.argv, op.stdin === undefined ? {} : { stdin: op.stdin });
  else throw new Error(`no ${op.op} in tests of images`);
}

function runProgram(argv: readonly string[], options: RunOptions = {}): RunResult {
  const [program, ...args] = argv;
  const done = spawnSync(program ?? '', args, { input: options.stdin ?? '', encoding: 'utf8' });
  if (done.error !== undefined) throw done.error;
  const result = { stdout: done.stdout, stderr: done.stderr, exitCode: done.status ?? 255 };
  if (result.exitCode !== 0 && options.allowFailure !== true) throw new Error(`${argv.join(' ')}: ${done.stderr}`);
  return result;
}

function orUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function fileStat(path: string): FileStat {
  const stats = lstatSync(path);
  const type = (
    [
      ['file', stats.isFile()],
      ['directory', stats.isDirectory()],
      ['symlink', stats.isSymbolicLink()],
      ['char', stats.isCharacterDevice()],
      ['block', stats.isBlockDevice()],
      ['fifo', stats.isFIFO()],
    ] as const
  ).find(([, is]) => is)?.[0];
  return {
    type: type ?? 'socket',
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    sizeBytes: stats.size,
    modifiedMs: stats.mtimeMs,
    device: stats.dev,
    inode: stats.ino,
  };
}
