import type { Conflict } from '../model/plan.ts';
import { addressOf, isUp, observedKey } from './draft.ts';
import { namespaceOwner, type Sorted } from './drafts.ts';
import type { Findings } from './findings.ts';

/** Network modes that name a container which isn't there, and ports that can't be published in them. Once a service. */
export function checkConnections(sorted: Sorted, foreignNames: readonly string[], findings: Findings): void {
  const names = new Set([
    ...foreignNames,
    ...sorted.drafts.map(({ spec }) => spec.name),
    ...sorted.bystanders.map(({ spec }) => spec.name),
  ]);
  for (const { spec } of sorted.drafts) {
    const { networkMode, ports } = spec;
    if (spec.key.index !== 1) continue;
    if (networkMode.type === 'container' && !names.has(networkMode.container)) {
      findings.conflicts.push(missingContainer(addressOf(spec), spec.key.service, networkMode.container));
    }
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

function missingContainer(address: Conflict['address'], service: string, container: string): Conflict {
  return {
    address,
    message: `Cannot share the network of container "${container}": there is no container of that name`,
    hint: `Correct services.${service}.network_mode.`,
  };
}
