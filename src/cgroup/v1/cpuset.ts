import type { Controller } from '../controller.ts';
import { cpuListsEqual } from '../cpu-list.ts';
import type { Facts } from '../facts.ts';

/**
 * No process can join a cgroup whose cpuset is empty, as a new one's is. With clone_children, which new cgroups inherit,
 * they start with a copy of their parent's (kernel: admin-guide/cgroup-v1/cpusets.rst, 1.6). So it is enough to set up
 * the topmost directory of ours, with these files in this order, before directories are made in it.
 */
export function cpusetParentFiles(facts: Facts): readonly (readonly [file: string, data: string])[] {
  return [
    ['cgroup.clone_children', '1'],
    ['cpuset.cpus', rootCpus(facts)],
    ['cpuset.mems', (facts.readRoot('cpuset.mems') ?? '').trim()],
  ];
}

export const cpuset: Controller = {
  name: 'cpuset',
  limits(resources, facts) {
    const asked = resources.cpuset !== undefined && resources.cpuset !== '';
    const data = asked && resources.cpuset !== undefined ? resources.cpuset : rootCpus(facts);
    return [
      {
        file: 'cpuset.cpus',
        data,
        isInitial: !asked,
        ...(asked && { askedBy: 'cpuset' }),
        matches: (shown) => cpuListsEqual(shown, data),
      },
    ];
  },
  supports: (file, facts) => facts.readRoot(file) !== undefined,
};

function rootCpus(facts: Facts): string {
  return (facts.readRoot('cpuset.cpus') ?? '').trim();
}
