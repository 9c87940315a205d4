import type { MachineContext } from '../executor/context.ts';
import { containerAddress } from '../model/address.ts';
import type { Conflict } from '../model/plan.ts';
import type { Service, Stack } from '../model/stack.ts';

/** What a stack asks for that an ordinary user cannot have; nothing where we are root of the machine. */
export function rootlessConflicts(
  { outside, cgroups }: Pick<MachineContext, 'outside' | 'cgroups'>,
  { services }: Stack,
): readonly Conflict[] {
  if (outside === undefined) return [];
  const { firstPort } = outside.rootless;
  return Object.values(services).flatMap((service) => [
    ...portConflicts(service, firstPort),
    ...namespaceConflicts(service, cgroups.none),
  ]);
}

function portConflicts({ name, ports }: Service, firstPort: number): readonly Conflict[] {
  const address = containerAddress(name, 1);
  return ports.flatMap(({ protocol, published, target }): readonly Conflict[] => {
    if (protocol === 'sctp') {
      return [
        {
          address,
          message: `Cannot publish port ${target}/sctp: an ordinary user's ports are carried by a program, by TCP and UDP only`,
          hint: `Remove it from services.${name}.ports, or run tsstack as root`,
        },
      ];
    }
    if (published === undefined || published >= firstPort) return [];
    return [
      {
        address,
        message: `Cannot publish port ${published}/${protocol}: net.ipv4.ip_unprivileged_port_start of this machine leaves ports below ${firstPort} to root`,
        hint: `Set a host port of ${firstPort} or above in services.${name}.ports, or run: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${published}`,
      },
    ];
  });
}

/** Without a cgroup the end of its pid namespace is what ends all of a container's processes. */
function namespaceConflicts({ name, namespaces }: Service, noCgroups: string | undefined): readonly Conflict[] {
  const address = containerAddress(name, 1);
  const conflicts: Conflict[] = [];
  if (namespaces.pid === 'host' && noCgroups !== undefined) {
    const message = `Cannot share the machine's processes: nothing would tell this container's from others: ${noCgroups}`;
    conflicts.push({
      address,
      message,
      hint: `Remove services.${name}.pid; docs/rootless.md says how cgroups are delegated`,
    });
  }
  if (namespaces.user === 'private') {
    const message = 'Cannot have a user namespace of its own in that of a user';
    conflicts.push({ address, message, hint: `Remove services.${name}.userns_mode: its root is this user already` });
  }
  return conflicts;
}
