import type { Controller } from '../controller.ts';
import { cpuListsEqual } from '../cpu-list.ts';

/** cpuset.cpus: empty means all that the parent has (kernel: admin-guide/cgroup-v2.rst). */
export const cpuset: Controller = {
  name: 'cpuset',
  limits(resources) {
    const cpus = resources.cpuset ?? '';
    return [
      {
        file: 'cpuset.cpus',
        // A write of no bytes is none.
        data: cpus === '' ? '\n' : cpus,
        isInitial: cpus === '',
        ...(cpus !== '' && { askedBy: 'cpuset' }),
        matches: (shown) => cpuListsEqual(shown, cpus),
      },
    ];
  },
  supports: () => true,
};
