import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Project } from './e2e.ts';
import { until } from './run.ts';

/** `tsstack watch`, from the moment that it watches until the body is done. */
export async function watching(
  project: Project,
  body: (watch: { readonly child: ChildProcess; readonly said: (text: RegExp) => Promise<unknown> }) => Promise<void>,
): Promise<string> {
  const [command = '', ...args] = project.argv(['watch']);
  const child = spawn(command, args, { cwd: project.directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close');
  const said = (text: RegExp) =>
    until(`${text} to be said`, () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output}`);
      return text.test(output);
    });
  try {
    await said(/Watching .*stack\.yaml/);
    await body({ child, said });
  } finally {
    child.kill('SIGINT');
    await ended;
  }
  assert.equal(child.exitCode, 0, output);
  return output;
}
