import type { ContainerSpec } from '../model/container.ts';
import { NAMESPACE_WORDS, type NamespaceKind, sharedNamespaces } from '../model/sharing.ts';
import type { Service } from '../model/stack.ts';
import { type Draft, isUp } from './draft.ts';
import { namespaceOwners } from './drafts.ts';
import type { Findings } from './findings.ts';
import { anonymousVolumeName, mountedOf } from './mounts.ts';
import { member } from './record.ts';

interface StartFirstRequest {
  readonly services: Readonly<Record<string, Service>>;
  /** Names of volumes that are made again. */
  readonly emptied: ReadonlySet<string>;
  readonly findings: Findings;
}

/**
 * Chooses the replaced replicas whose new container starts before the old one stops (`update_config.order`). They get
 * the other slot. A service that can't have two containers of a replica is replaced stop-first, with a warning.
 */
export function chooseStartFirst(drafts: readonly Draft[], { services, emptied, findings }: StartFirstRequest): void {
  const shared = new Map(drafts.flatMap(({ spec }) => namespaceOwners(spec)).map(({ kind, key }) => [key, kind]));
  const warned = new Set<string>();
  for (const draft of drafts) {
    const { spec, observed, action } = draft;
    const { service } = spec.key;
    if (member(services, service)?.update?.order !== 'start-first') continue;
    if (action !== 'replace' || observed === undefined || !isUp(observed)) continue;
    const obstacle =
      obstacleOf(spec, shared) ?? obstacleOf(observed.spec, shared) ?? emptiedObstacle(observed.spec, emptied);
    if (obstacle === undefined) {
      draft.startFirst = true;
      draft.spec = inOtherSlot(spec, observed.spec);
    } else if (!warned.has(service)) {
      warned.add(service);
      findings.warnings.push(`Service "${service}" is replaced stop-first, not start-first: ${obstacle}.`);
    }
  }
}

function emptiedObstacle(spec: ContainerSpec, emptied: ReadonlySet<string>): string | undefined {
  const name = mountedOf(spec, emptied);
  return name === undefined ? undefined : `its volume "${name}" is made again`;
}

/** Why two containers of a replica can't be there at the same time; undefined: they can. */
function obstacleOf(spec: ContainerSpec, shared: ReadonlyMap<string, NamespaceKind>): string | undefined {
  const { key, mounts, networkMode, networks, ports } = spec;
  if (networkMode.type === 'host') return 'both would have the ports of the host';
  const [sharing] = sharedNamespaces(spec);
  if (sharing !== undefined) return `it shares the ${NAMESPACE_WORDS[sharing.kind]} of another one`;
  const lent = shared.get(`${key.service}.${key.index}`) ?? shared.get(`name ${spec.name}`);
  if (lent !== undefined) return `another container shares its ${NAMESPACE_WORDS[lent]}`;
  for (const [network, { ipv4Address, ipv6Address, macAddress }] of Object.entries(networks)) {
    const fixed = ipv4Address ?? ipv6Address ?? macAddress;
    if (fixed !== undefined) return `both would have the address ${fixed} on network "${network}"`;
  }
  // Connection tracking would keep sending what belongs to a "connection" to the container that has gone.
  const port = ports.find(({ protocol }) => protocol !== 'tcp');
  if (port !== undefined)
    return `it publishes ${port.target}/${port.protocol}, and only TCP connections can be handed over`;
  const own = mounts.find(
    (mount) => mount.type === 'volume' && mount.source === anonymousVolumeName(key, mount.target),
  );
  return own === undefined ? undefined : `both would write to the anonymous volume at ${own.target}`;
}

function inOtherSlot(spec: ContainerSpec, { key }: ContainerSpec): ContainerSpec {
  const { slot: _, ...first } = spec.key;
  return { ...spec, key: key.slot === undefined ? { ...first, slot: 'b' } : first };
}
