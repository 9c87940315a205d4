import { programPaths } from '../lib/program-paths.ts';
import type { Host } from './host.ts';

/** The absolute path of a program by its name, or the path that was given, if it is there. */
export function findProgram(host: Pick<Host, 'stat'>, name: string): string | undefined {
  return programPaths(name).find((path) => host.stat(path) !== undefined);
}
