import { isUtf8 } from 'node:buffer';
import type { StackSelector } from '../daemon/api.ts';
import { readAtMost } from '../lib/read-at-most.ts';
import { TsstackError } from '../model/error.ts';
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
    ...(globals.file.includes('-') && { stdin: readStandardInput() }),
  };
}

/** Bytes of standard input that are read: one more than a stack file may have. */
const MOST_INPUT = 4 * 1024 * 1024 + 1;

function readStandardInput(): string {
  const bytes = readAtMost(0, MOST_INPUT);
  if (bytes.length < MOST_INPUT && !isUtf8(bytes)) {
    throw new TsstackError('usage', 'Standard input is not valid UTF-8 text', {
      hint: 'Save the stack file in the encoding UTF-8',
    });
  }
  return bytes.toString();
}

/** For commands about what is there already: `-p NAME` alone needs no file. */
export function stackSelector(context: Context): StackSelector {
  const name = context.globals['project-name'];
  if (name !== undefined && context.globals.file.length === 0) return { stack: name };
  return { load: loadRequest(context, []) };
}
