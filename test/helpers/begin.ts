import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { TSSTACK } from './client.ts';
import type { Project } from './e2e.ts';

export interface Session {
  readonly child: ChildProcess;
  /** All that was shown so far: on a terminal everything, else standard output. */
  readonly shown: () => string;
  /** Standard error so far, without a terminal. */
  readonly told: () => string;
  readonly status: Promise<number | null>;
}

/** A command on a terminal of its own (script(1)), or with pipes. */
export function begin(
  project: Project,
  args: readonly string[],
  { terminal }: { readonly terminal: boolean },
): Session {
  const argv = [TSSTACK, '-p', project.name, ...args];
  const line = argv.map((word) => `'${word}'`).join(' ');
  const [command = '', ...rest] = terminal
    ? ['script', '-qec', `stty rows 20 cols 70; exec ${line}`, '/dev/null']
    : argv;
  const child = spawn(command, rest, { cwd: project.directory, stdio: ['pipe', 'pipe', 'pipe'] });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const status = once(child, 'close').then(([code]) => code as number | null);
  return { child, shown: () => shown, told: () => told, status };
}
