import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import type { VolumeTransfer, VolumeTransferRequest } from '../../daemon/volume-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, EXIT } from '../command.ts';
import type { VolumeOptions } from './verb.ts';

/** `volume export NAME [-o FILE]`: a tar archive; `-` is standard output. A file that was not finished is removed. */
export async function exportVolume(
  context: Context,
  operands: readonly string[],
  { output = '-' }: VolumeOptions,
): Promise<number> {
  const [name, ...more] = operands;
  if (name === undefined || more.length > 0) throw new TsstackError('usage', 'volume export needs one volume');
  if (output === '-' && context.out.isTerminal) {
    throw new TsstackError('usage', 'An archive is not written to a terminal', {
      hint: `Write it to a file: tsstack volume export ${name} -o ${name}.tar`,
    });
  }
  const { argv } = await transfer(context, { name, direction: 'export' });
  if (output === '-') {
    await run(argv, ['ignore', 1], `export volume "${name}"`);
    return EXIT.done;
  }
  // Whoever may read a volume's directory is root; so it is with its archive.
  const file = openFile(output, 'w');
  try {
    await run(argv, ['ignore', file], `export volume "${name}"`);
  } catch (error) {
    // Not a device or a pipe.
    if (fstatSync(file).isFile()) rmSync(output, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return EXIT.done;
}

/** `volume import NAME [FILE]`: without a file, or with `-`, from standard input. */
export async function importVolume(context: Context, operands: readonly string[]): Promise<number> {
  const [name, input = '-', ...more] = operands;
  if (name === undefined || more.length > 0) {
    throw new TsstackError('usage', 'volume import needs one volume, and at most one file');
  }
  if (input === '-' && process.stdin.isTTY) {
    throw new TsstackError('usage', 'An archive is not read from a terminal', {
      hint: `Name a file: tsstack volume import ${name} ${name}.tar`,
    });
  }
  const file = input === '-' ? undefined : openFile(input, 'r');
  try {
    const { argv } = await transfer(context, { name, direction: 'import' });
    await run(argv, [file ?? 0, 'ignore'], `import into volume "${name}"`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
  return EXIT.done;
}

function transfer(context: Context, request: VolumeTransferRequest): Promise<VolumeTransfer> {
  return context.client.post<VolumeTransfer>('/v1/volumes/transfer', request);
}

function openFile(path: string, flags: 'r' | 'w'): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (cause) {
    throw new TsstackError('usage', `Cannot open ${path}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** Standard error of the program is ours, so that it says itself what is wrong. */
async function run(
  argv: readonly string[],
  [input, output]: readonly [number | 'ignore', number | 'ignore'],
  what: string,
): Promise<void> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: [input, output, 'inherit'], env: { ...process.env, LC_ALL: 'C' } });
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new TsstackError('missing-tool', `Cannot run ${program}: ${cause.message}`, { cause })),
    );
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (status === 0) return;
  throw new TsstackError('command-failed', `Cannot ${what}: ${program} ended with ${status}`, {
    hint: 'See what it said above',
  });
}
