import { isAbsolute, join } from 'node:path';

/** What paths are relative to. */
export interface PathBase {
  /** Absolute. */
  readonly directory: string;
  readonly home: string;
}

/** A path of a stack file made absolute: `~` is the caller's home, the rest begins in the file's directory. */
export function resolvePath(path: string, base: PathBase): string {
  const expanded = path === '~' || path.startsWith('~/') ? join(base.home, path.slice(1)) : path;
  return isAbsolute(expanded) ? expanded : join(base.directory, expanded).replace(/(?<=.)\/$/, '');
}
