import type { ContainerSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import {
  NAMESPACE_WORDS,
  ownerWords,
  SHARING_KEYS,
  type Sharing,
  sharedNamespaces,
  sharesIpc,
} from '../model/sharing.ts';
import type { LaunchConfig, NamespaceHolder } from '../runtime/config.ts';
import { ownerRecord } from '../store/owner-record.ts';
import { containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { MachineContext } from './context.ts';

/**
 * The containers whose namespaces this one shares, but for the network. Throws `not-found` for one that is not there, and
 * `launch-failed` for an IPC namespace that its owner does not share. Whether they run is seen by the launch script.
 */
export function namespaceHolders(
  { records, paths }: Pick<MachineContext, 'records' | 'paths'>,
  spec: ContainerSpec,
): LaunchConfig['holders'] {
  const holders: { ipc?: NamespaceHolder; pid?: NamespaceHolder } = {};
  for (const sharing of sharedNamespaces(spec)) {
    if (sharing.kind === 'network') continue;
    const owner = ownerRecord(records, spec, sharing.owner);
    if (owner === undefined) throw missing(spec, sharing);
    if (sharing.kind === 'ipc') checkShareable(spec, owner);
    holders[sharing.kind] = { name: owner.spec.name, init: containerPaths(paths, owner.key).init };
  }
  return holders;
}

function missing({ key }: ContainerSpec, { kind, owner }: Sharing): TsstackError {
  const message = `There is no container of ${ownerWords(owner)} to share the ${NAMESPACE_WORDS[kind]} of`;
  return new TsstackError('not-found', message, {
    hint: `Correct services.${key.service}.${SHARING_KEYS[kind]}, or have that container created`,
  });
}

function checkShareable(spec: ContainerSpec, owner: ContainerRecord): void {
  const { ipc } = owner.spec.namespaces;
  if (sharesIpc(owner.spec.namespaces)) return;
  const message = `Cannot share the IPC namespace of container "${owner.spec.name}": it is ${String(ipc)}`;
  throw new TsstackError('launch-failed', message, {
    hint: `Write "ipc: shareable" in service "${owner.key.service}", or take ipc out of service "${spec.key.service}"`,
  });
}
