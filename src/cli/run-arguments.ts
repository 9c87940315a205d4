import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TsstackError } from '../model/error.ts';
import { parseEnvironment } from '../spec/one-off.ts';
import { shellWords } from '../spec/shell-words.ts';
import type { Context } from './command.ts';

/** The variables of files that are written as `.env` is; a later file counts for more. Throws `usage`. */
export function environmentFiles(
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
  paths: readonly string[],
): Record<string, string> {
  return Object.assign({}, ...paths.map((path) => parseEnvironment(readText(resolve(cwd, path)), path, env)));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TsstackError('usage', `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Words as the string form of `entrypoint` has them. Throws `usage`. */
export function words(text: string): readonly string[] {
  const split = shellWords(text);
  if (split !== undefined && split.rest === '') return split.words;
  throw new TsstackError('usage', `"${text}" cannot be divided into words`, {
    hint: 'Close every quote; for what a shell does, write: sh -c "…"',
  });
}
