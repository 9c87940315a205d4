import type { Host } from '../host/host.ts';
import { containerAddress } from '../model/address.ts';
import type { Conflict } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';

const TOOLS: readonly (readonly [tool: string, packageName: string])[] = [
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['ss', 'iproute2'],
  ['unshare', 'util-linux'],
];
const INIT = '/usr/bin/tini-static';
const PROGRAM_DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];

/** What must be there besides what the planner knows: files that the stack names, programs that we run. */
export function preflight(host: Host, stack: Stack): readonly Conflict[] {
  return Object.values(stack.services)
    .flatMap((service) => {
      const address = containerAddress(service.name, 1);
      const conflicts: Conflict[] = [];
      for (const mount of service.mounts) {
        if (mount.type !== 'bind' || mount.createHostPath || host.stat(mount.source) !== undefined) continue;
        conflicts.push({
          address,
          message: `bind source ${mount.source} does not exist`,
          hint: 'Make it, or set create_host_path: true',
        });
      }
      if (service.init && host.stat(INIT) === undefined) {
        conflicts.push({ address, message: `init: true needs ${INIT}`, hint: 'apt-get install -y tini' });
      }
      return conflicts.concat(service.replicas > 0 ? missingTools(host, address) : []);
    })
    .filter(uniqueMessage());
}

function missingTools(host: Host, address: Conflict['address']): readonly Conflict[] {
  return TOOLS.filter(
    ([tool]) => !PROGRAM_DIRECTORIES.some((directory) => host.stat(`${directory}/${tool}`) !== undefined),
  ).map(([tool, packageName]) => ({
    address,
    message: `this machine has no program "${tool}"`,
    hint: `apt-get install -y ${packageName}`,
  }));
}

function uniqueMessage(): (conflict: Conflict) => boolean {
  const seen = new Set<string>();
  return ({ message }) => !seen.has(message) && seen.add(message) !== undefined;
}
