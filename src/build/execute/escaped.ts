import { pathText } from '../context/tree.ts';

/** A path (a byte string) as a pattern of COPY that matches just this. */
export function escaped(path: string): string {
  return pathText(path).replaceAll(/[\\*?[]/g, '\\$&');
}
