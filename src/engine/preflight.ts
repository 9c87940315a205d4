import { findProgram } from '../host/find-program.ts';
import type { Host } from '../host/host.ts';
import { once } from '../lib/once.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { containerAddress, volumeAddress } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { Conflict } from '../model/plan.ts';
import type { Stack, Volume } from '../model/stack.ts';
import { hasMount, mountArguments } from '../volume/mount.ts';

const TOOLS: readonly (readonly [tool: string, packageName: string])[] = [
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['ss', 'iproute2'],
  ['unshare', 'util-linux'],
];

/** What must be there besides what the planner knows: files that the stack names, programs that we run. */
export function preflight(host: Host, stack: Stack): readonly Conflict[] {
  // The same for every service, and a walk through PATH each.
  const isThere = once((tool) => hasProgram(host, tool));
  const services = Object.values(stack.services)
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
      return conflicts.concat(service.replicas > 0 ? missingTools(isThere, address) : []);
    })
    .filter(uniqueMessage());
  return [...Object.values(stack.volumes).flatMap((volume) => mountConflicts(host, volume)), ...services];
}

/** What stands in the way of mounting a volume's `driver_opts`. */
function mountConflicts(host: Host, volume: Volume): readonly Conflict[] {
  if (volume.external || !hasMount(volume)) return [];
  const address = volumeAddress(volume.key);
  try {
    mountArguments(volume);
  } catch (error) {
    if (!(error instanceof TsstackError)) throw error;
    const { message, hint } = error;
    return [{ address, message, ...(hint !== undefined && { hint }) }];
  }
  const { type = 'none', device = '' } = volume.driverOptions;
  if (/^nfs4?$/.test(type) && !hasProgram(host, 'mount.nfs')) {
    return [{ address, message: 'this machine has no program "mount.nfs"', hint: 'apt-get install -y nfs-common' }];
  }
  if (type !== 'none' || host.stat(device) !== undefined) return [];
  return [
    {
      address,
      message: `Cannot mount volume "${volume.name}": ${device} does not exist`,
      hint: `Make it (mkdir -p ${shellQuote(device)}), or correct volumes.${volume.key}.driver_opts.device`,
    },
  ];
}

function missingTools(isThere: (tool: string) => boolean, address: Conflict['address']): readonly Conflict[] {
  return TOOLS.filter(([tool]) => !isThere(tool)).map(([tool, packageName]) => ({
    address,
    message: `this machine has no program "${tool}"`,
    hint: `apt-get install -y ${packageName}`,
  }));
}

function hasProgram(host: Host, name: string): boolean {
  return findProgram(host, name) !== undefined;
}

function uniqueMessage(): (conflict: Conflict) => boolean {
  const seen = new Set<string>();
  return ({ message }) => !seen.has(message) && seen.add(message) !== undefined;
}
