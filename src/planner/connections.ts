import { containerAddress } from '../model/address.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { Conflict } from '../model/plan.ts';
import { NAMESPACE_WORDS, type NamespaceKind, ownerWords, SHARING_KEYS, sharesIpc } from '../model/sharing.ts';
import { addressOf, isUp, observedKey } from './draft.ts';
import { type NamespaceOwner, namespaceOwners, type Sorted } from './drafts.ts';
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
    const checkShareable = (owner: NamespaceOwner) => {
      const lender = present.find((each) => observedKey(each) === owner.key || `name ${each.name}` === owner.key);
      if (lender !== undefined && !sharesIpc(lender.namespaces)) findings.conflicts.push(notShared(spec, lender));
    };
    for (const owner of namespaceOwners(spec)) {
      if (!owners.has(owner.key)) findings.conflicts.push(missingOwner(spec, owner));
      else if (owner.kind === 'ipc') checkShareable(owner);
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

function notShared({ key }: ContainerSpec, lender: ContainerSpec): Conflict {
  const { ipc } = lender.namespaces;
  return {
    address: containerAddress(key.service, key.index),
    message: `Cannot share the IPC namespace of service "${lender.key.service}": it is ${String(ipc)}`,
    hint: `Write "ipc: shareable" in services.${lender.key.service}, or take services.${key.service}.ipc out.`,
  };
}

/** A container that goes takes its namespaces with it; one that is left running in there would keep its links. */
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
    const shared = namespaceOwners(spec).find(({ key }) => going.has(key));
    const address = going.get(shared?.key ?? '');
    if (shared === undefined || address === undefined) continue;
    findings.conflicts.push({
      address,
      message: `Cannot replace or remove ${address}: container "${spec.name}" ${USES[shared.kind]}`,
      hint: sorted.orphans.includes(spec.name)
        ? 'Remove that container with --remove-orphans.'
        : `Run "up" for service "${spec.key.service}" too, or stop it first.`,
    });
  }
}

const USES: Readonly<Record<NamespaceKind, string>> = {
  network: 'runs in its network',
  ipc: 'runs in its IPC namespace',
  pid: 'runs among its processes',
};

function missingOwner({ key }: ContainerSpec, { kind, owner }: NamespaceOwner): Conflict {
  const reason = owner.type === 'service' ? 'it has no container' : 'there is none of that name';
  return {
    address: containerAddress(key.service, key.index),
    message: `Cannot share the ${NAMESPACE_WORDS[kind]} of ${ownerWords(owner)}: ${reason}`,
    hint: `Correct services.${key.service}.${SHARING_KEYS[kind]}, or have that container created.`,
  };
}
