import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import type { CopyContainer } from '../../daemon/run-api.ts';
import { explainReport } from '../../lib/launch-report.ts';
import { TsstackError } from '../../model/error.ts';
import { openLauncher, reportOf } from '../exec-process.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/** Opens a container's root directory for `use`, which must read and write nothing but below it. */
export async function withContainerRoot(
  runDirectory: string,
  container: CopyContainer,
  use: (root: number) => Promise<void>,
): Promise<void> {
  if (container.process !== undefined) await useRoot(container.name, container.process, use);
  else if (container.view !== undefined) await withView(runDirectory, { ...container, view: container.view }, use);
}

async function useRoot(
  name: string,
  process: { readonly pid: number; readonly startTime?: string },
  use: (root: number) => Promise<void>,
): Promise<void> {
  const root = openRoot(name, process);
  try {
    await use(root);
  } finally {
    closeSync(root);
  }
}

/** Through the process's own directory in /proc: another process of the same pid is not found there. */
function openRoot(name: string, { pid, startTime }: { readonly pid: number; readonly startTime?: string }): number {
  let directory: number | undefined;
  try {
    directory = openSync(`/proc/${pid}`, DIRECTORY);
    const stat = readFileSync(`/proc/self/fd/${directory}/stat`, 'latin1');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    if (startTime === undefined || started === startTime)
      return notOurs(openSync(`/proc/self/fd/${directory}/root`, DIRECTORY));
  } catch (cause) {
    if (cause instanceof TsstackError) throw cause;
    throw ended(name, cause);
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
  throw ended(name);
}

function ended(name: string, cause?: unknown): TsstackError {
  return new TsstackError('not-running', `${name} has ended meanwhile`, { hint: 'Try again', cause });
}

/** A container's root is an overlay of its own: this machine's would be a container that has not begun. */
function notOurs(root: number): number {
  if (fstatSync(root).dev !== statSync('/').dev) return root;
  closeSync(root);
  throw new TsstackError('conflict', 'The container is just being started', { hint: 'Try again' });
}

/** Performs a view: what it mounts goes when its standard input, which only we hold, is closed. */
async function withView(
  runDirectory: string,
  { name, view }: { readonly name: string; readonly view: NonNullable<CopyContainer['view']> },
  use: (root: number) => Promise<void>,
): Promise<void> {
  const launcher = openLauncher(runDirectory, Buffer.from(view.launcherBase64, 'base64'));
  const [program = '', ...args] = view.argv;
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit', launcher, 'ignore', 'pipe'] });
  closeSync(launcher);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  child.stdin?.on('error', () => undefined);
  try {
    const report = await reportOf(child);
    if (report.length > 0 || child.pid === undefined) {
      throw new TsstackError(
        'launch-failed',
        `Cannot see the files of ${name}: ${explainReport(view.listing, report)}`,
      );
    }
    await useRoot(name, { pid: child.pid }, use);
  } finally {
    child.stdin?.destroy();
    await exited;
  }
}
