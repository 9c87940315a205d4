import { readFileSync } from 'node:fs';
import { readWholeFile } from './files.ts';

const BYTE_ORDER_MARK = '\ufeff';

/**
 * The text of a file, without a byte order mark; undefined: it is not there. Node reads a file as UTF-8 in one call, until
 * there is nothing more, without asking for a size that files of /proc and of cgroups do not have: of those one look at the
 * machine takes thousands.
 */
export function readWholeText(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Which failures mean that it is not there is known in one place.
    const bytes = readWholeFile(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}
