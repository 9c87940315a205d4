import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TSSTACK } from '../helpers/client.ts';
import { type Finished, run } from '../helpers/run.ts';

const ENVIRONMENT = {
  PATH: process.env['PATH'],
  HOME: '/home/user',
  NO_COLOR: '1',
  TSSTACK_RUN_DIR: '/nonexistent/run',
  TSSTACK_STATE_DIR: '/nonexistent/state',
};

/** A directory of its own with these files, by relative path; removed when `use` has ended. */
export async function withFiles(
  files: Readonly<Record<string, string>>,
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tsstack-config-')));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Starts the client in a directory; nothing of our own environment is passed on but the search path. */
export function startCli(
  cwd: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  return spawn(TSSTACK, argv, { cwd, env: { ...ENVIRONMENT, ...env } });
}

/** Runs the client to its end. */
export function cli(
  cwd: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stdin = '',
): Promise<Finished> {
  const assignments = Object.entries({ ...ENVIRONMENT, ...env }).map(([name, text]) => `${name}=${text}`);
  return run(['env', '-i', ...assignments, TSSTACK, ...argv], { cwd, stdin });
}
