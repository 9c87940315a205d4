import { containerAddress } from '../model/address.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { Conflict } from '../model/plan.ts';
import { addressOf, isUp, observedKey } from './draft.ts';
import { namespaceOwner, type Sorted } from './drafts.ts';
import type { Findings } from './findings.ts';

/** Network modes that name a container which isn't there, and ports that can't be published in them. Once a service. */
export function checkConnections(sorted: Sorted, foreignNames: readonly string[], findings: Findings): void {
  const present = [...sorted.drafts, ...sorted.bystanders].map(({ spec }) => spec);
  const owners = new Set([
    ...foreignNames.map((name) => `name ${name}`),
    ...present.flatMap((spec) => [observedKey(spec), `name ${spec.name}`]),
  ]);
  for (const { spec } of sorted.drafts) {
    const { networkMode, ports } = spec;
    if (spec.key.index !== 1) continue;
    const owner = namespaceOwner(spec);
    if (owner !== undefined && !owners.has(owner)) findings.conflicts.push(missingOwner(spec));
    if (ports.length === 0 || networkMode.type === 'networks') continue;
    if (networkMode.type === 'host' || networkMode.type === 'none') {
      findings.warnings.push(
        `Ports of service "${spec.key.service}" are not published: its network mode is "${networkMode.type}".`,
      );
    } else {
      findings.conflicts.push({
        address: addressOf(spec),
        message: `Cannot publish ports of service "${spec.key.service}": it shares the network of another container`,
        hint: `Move services.${spec.key.service}.ports to the service whose network it shares.`,
      });
    }
  }
}

/** A container that goes takes its network namespace with it; one that is left running in there would keep its links. */
export function checkSharers(sorted: Sorted, findings: Findings): void {
  const going = new Map<string, Conflict['address']>();
  const replaced = sorted.drafts.filter(({ action }) => action === 'replace');
  for (const { observed } of [...sorted.removals, ...replaced]) {
    if (observed === undefined) continue;
    going.set(observedKey(observed.spec), addressOf(observed.spec));
    going.set(`name ${observed.spec.name}`, addressOf(observed.spec));
  }
  for (const bystander of sorted.bystanders.filter(isUp)) {
    const { spec } = bystander;
    const address = going.get(namespaceOwner(spec) ?? '');
    if (address === undefined) continue;
    findings.conflicts.push({
      address,
      message: `Cannot replace or remove ${address}: container "${spec.name}" runs in its network`,
      hint: sorted.orphans.includes(spec.name)
        ? 'Remove that container with --remove-orphans.'
        : `Run "up" for service "${spec.key.service}" too, or stop it first.`,
    });
  }
}

function missingOwner({ key, networkMode }: ContainerSpec): Conflict {
  const owner =
    networkMode.type === 'service'
      ? `service "${networkMode.service}": it has no container`
      : `container "${networkMode.type === 'container' ? networkMode.container : ''}": there is none of that name`;
  return {
    address: containerAddress(key.service, key.index),
    message: `Cannot share the network of ${owner}`,
    hint: `Correct services.${key.service}.network_mode, or have that container created.`,
  };
}
