import type { Controller } from './controller.ts';
import { shows } from './limit.ts';

/** Processes and threads of a container when the file says nothing: holds a fork bomb, Podman's default. */
export const DEFAULT_PIDS = 2048;

/** The same in both versions of cgroup (pids.rst). The root has no pids.max. */
export const pids: Controller = {
  name: 'pids',
  limits(resources) {
    const count = resources.pids ?? DEFAULT_PIDS;
    const data = count > 0 ? String(count) : 'max';
    return [
      {
        file: 'pids.max',
        data,
        isInitial: data === 'max',
        ...(resources.pids !== undefined && { askedBy: 'pids_limit' }),
        matches: shows(data),
      },
    ];
  },
  supports: () => true,
};

/** Number of processes at most as pids.max shows it; -1: unlimited. */
export function parsePidsMax(shown: string | undefined): number | undefined {
  if (shown === undefined) return undefined;
  return shown.trim() === 'max' ? -1 : Number(shown);
}
