import type { Host } from '../host/host.ts';
import { TsstackError } from '../model/error.ts';
import { lenient, readFacts } from './facts.ts';
import type { Cgroups } from './interface.ts';
import { pids } from './pids.ts';
import { cpu } from './v2/cpu.ts';
import { cpuset } from './v2/cpuset.ts';
import { io } from './v2/io.ts';
import { memory } from './v2/memory.ts';

/**
 * No cgroups: an ordinary user to whom none was delegated. Nothing is limited or counted, and nothing is found by them;
 * what a file asks for is said in the plan. `problem`: why there are none.
 */
export function noCgroups(host: Host, problem: string): Cgroups {
  const facts = lenient(readFacts(host, '/nonexistent'));
  return {
    version: 1,
    none: problem,
    create: () => [],
    update: () => [],
    updateDevices: () => [],
    deviceProgramDirectory: () => undefined,
    remove: () => [],
    procsFiles: () => [],
    joinFiles: () => [],
    processes: () => [],
    exists: () => false,
    usage: () => undefined,
    oomKills: () => 0,
    freeze(name) {
      throw new TsstackError('unsupported-host', `Cannot pause ${name}: ${problem}`, {
        hint: 'docs/rootless.md says how a cgroup is delegated to a user',
      });
    },
    frozen: () => false,
    drift: () => [],
    unsupportedResources: (resources) => {
      const asked = [cpuset, cpu, memory, pids, io].flatMap((controller) =>
        controller.limits(resources, facts).flatMap(({ askedBy }) => askedBy ?? []),
      );
      return [...new Set(asked)].map((key) => `${key} is not kept: ${problem}`);
    },
  };
}
