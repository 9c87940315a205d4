import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from './command.ts';

/**
 * `psFormat` of the user's Docker configuration (`config.json` in DOCKER_CONFIG or ~/.docker), which is the `--format` of
 * `ps` where none is given. undefined: there is none; a file that cannot be read is a warning.
 */
export function psFormat({ env, err }: Context): string | undefined {
  const directory = env['DOCKER_CONFIG'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.docker'));
  if (directory === undefined) return undefined;
  const file = join(directory, 'config.json');
  try {
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const format = typeof config === 'object' && config !== null && 'psFormat' in config ? config.psFormat : undefined;
    return typeof format === 'string' && format.trim() !== '' ? format.trim() : undefined;
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code));
    if (!missing)
      err.write(`warning: ${file} is not read: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}
