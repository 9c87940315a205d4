import { isAbsolute, join } from 'node:path';

/** A path of a stack file made absolute: `~` is the caller's home, the rest begins in the project directory. */
export function resolvePath(path: string, base: { readonly projectDirectory: string; readonly home: string }): string {
  const expanded = path === '~' || path.startsWith('~/') ? join(base.home, path.slice(1)) : path;
  return isAbsolute(expanded) ? expanded : join(base.projectDirectory, expanded).replace(/(?<=.)\/$/, '');
}
