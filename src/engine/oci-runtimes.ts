import type { MachineContext } from '../executor/context.ts';
import { findProgram } from '../host/find-program.ts';
import type { Host } from '../host/host.ts';
import { once } from '../lib/once.ts';
import { containerAddress } from '../model/address.ts';
import type { Conflict } from '../model/plan.ts';
import { NAMESPACE_WORDS, ownerWords, SHARING_KEYS, sharedNamespaces } from '../model/sharing.ts';
import type { Service, Stack } from '../model/stack.ts';
import { hasOwnKernel } from '../runtime/oci/runtimes.ts';

/** What stands against services that an OCI runtime would start, or that share something with one. */
export function runtimeConflicts(
  { host, outside }: { readonly host: Host } & Pick<MachineContext, 'outside'>,
  { services }: Pick<Stack, 'services'>,
): readonly Conflict[] {
  const running = Object.values(services).filter(({ replicas }) => replicas > 0);
  const isThere = once((runtime) => findProgram(host, runtime) !== undefined);
  const missing = running.filter(({ runtime }) => runtime !== undefined && !isThere(runtime));
  return [
    ...missing
      // One that several name lacks once.
      .filter(({ runtime }, index) => missing.findIndex((other) => other.runtime === runtime) === index)
      .map(missingRuntime),
    ...running.flatMap((service) => [
      ...(outside === undefined ? [] : rootlessRuntime(service)),
      ...joinedByRuntime(service),
      ...joinedToKernel(service, services),
    ]),
  ];
}

function missingRuntime({ name, runtime }: Service): Conflict {
  const message = `this machine has no OCI runtime "${runtime}"`;
  const hint = 'Install it (apt-get install -y crun), or take "runtime" out';
  return { address: containerAddress(name, 1), message, hint };
}

/** It would be started as the root of a user namespace that it has not made, with networks and cgroups of ours. */
function rootlessRuntime({ name, runtime }: Service): readonly Conflict[] {
  if (runtime === undefined) return [];
  const message = `Cannot start service "${name}" by OCI runtime "${runtime}": an ordinary user's containers are started by tsstack itself`;
  const hint = `Remove services.${name}.runtime, or run tsstack as root`;
  return [{ address: containerAddress(name, 1), message, hint }];
}

/**
 * A runtime is given a path in /proc for that, which may be another process's by the time it opens it, and enters the
 * container's processes while it is still one of the host's.
 */
function joinedByRuntime(service: Service): readonly Conflict[] {
  const { name, runtime } = service;
  if (runtime === undefined) return [];
  return sharedNamespaces(service)
    .filter(({ kind }) => kind !== 'network')
    .map(({ kind, owner }) => ({
      address: containerAddress(name, 1),
      message: `Cannot share the ${NAMESPACE_WORDS[kind]} of ${ownerWords(owner)}: OCI runtime "${runtime}" starts service "${name}", and only tsstack itself joins another container's`,
      hint: `Remove one of services.${name}.runtime and services.${name}.${SHARING_KEYS[kind]}`,
    }));
}

/** What is seen on the host of a container with a kernel of its own is that kernel, not its processes. */
function joinedToKernel(service: Service, services: Stack['services']): readonly Conflict[] {
  const { name } = service;
  return sharedNamespaces(service).flatMap(({ kind, owner }) => {
    const runtime = owner.type === 'service' ? services[owner.service]?.runtime : undefined;
    if (kind === 'network' || !hasOwnKernel(runtime)) return [];
    const message = `Cannot share the ${NAMESPACE_WORDS[kind]} of ${ownerWords(owner)}: OCI runtime "${runtime}" may have a kernel of its own`;
    const hint = `Remove services.${name}.${SHARING_KEYS[kind]}, or the runtime of the other service`;
    return [{ address: containerAddress(name, 1), message, hint }];
  });
}
