import { readFileSync } from 'node:fs';
import type { StackSelector } from '../daemon/api.ts';
import type { LoadRequest } from '../spec/load.ts';
import type { Context } from './command.ts';
import { scaleOption } from './numbers.ts';

/**
 * What the global options say about the stack file. `services`: those that the command names; `scale`: `SERVICE=N`, as
 * `--scale` gives it.
 */
export function loadRequest(context: Context, services: readonly string[], scale: readonly string[] = []): LoadRequest {
  const { globals } = context;
  return {
    files: globals.file,
    cwd: context.cwd,
    env: context.env,
    envFiles: globals['env-file'],
    profiles: globals.profile,
    services,
    ...(scale.length > 0 && { scale: scaleOption(scale) }),
    ...(globals['project-name'] !== undefined && { projectName: globals['project-name'] }),
    ...(globals['project-directory'] !== undefined && { projectDirectory: globals['project-directory'] }),
    ...(globals.file.includes('-') && { stdin: readFileSync(0, 'utf8') }),
  };
}

/** For commands about what is there already: `-p NAME` alone needs no file. */
export function stackSelector(context: Context): StackSelector {
  const name = context.globals['project-name'];
  if (name !== undefined && context.globals.file.length === 0) return { stack: name };
  return { load: loadRequest(context, []) };
}
