import type { Host } from '../../host/host.ts';
import { parseIgnoreFile } from '../context/ignore.ts';

/** The first of these files that is there; undefined: nothing is left out. */
export function readIgnorePatterns(
  host: Pick<Host, 'readText'>,
  files: readonly string[],
): { readonly file: string; readonly patterns: readonly string[] } | undefined {
  for (const file of files) {
    const text = host.readText(file);
    if (text === undefined) continue;
    const patterns = parseIgnoreFile(text, file);
    return patterns.length === 0 ? undefined : { file, patterns };
  }
  return undefined;
}
