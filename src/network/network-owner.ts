import { machineName } from '../model/address.ts';
import type { ContainerSpec, Endpoint } from '../model/container.ts';
import { preStartReplica } from '../model/pre-start.ts';
import { ownerRecord } from '../store/owner-record.ts';
import type { ContainerRecord, Records } from '../store/records.ts';
import { hostsFile, type PeerLines, peerLines } from './names.ts';

interface Machine {
  readonly records: Records;
}

/**
 * The container whose network namespace this one is in: of a `pre_start` container its replica, with `service:NAME` the
 * service's first replica, with `container:NAME` the container of that name or short id, of any stack; and if that shares
 * another one's, that. undefined: its own, the host's, or there is no such container.
 */
export function networkOwner(context: Machine, spec: ContainerSpec): ContainerRecord | undefined {
  const seen = new Set<string>();
  let owner: ContainerRecord | undefined;
  let next = sharedWith(context, spec);
  while (next !== undefined) {
    const name = machineName(next.key);
    // Two that came to name each other, one after the other.
    if (seen.has(name)) return undefined;
    seen.add(name);
    owner = next;
    next = sharedWith(context, next.spec);
  }
  return owner;
}

function sharedWith({ records }: Machine, spec: ContainerSpec): ContainerRecord | undefined {
  const { networkMode } = spec;
  const replica = preStartReplica(spec);
  if (replica !== undefined) return records.container(replica);
  if (networkMode.type !== 'service' && networkMode.type !== 'container') return undefined;
  return ownerRecord(records, spec, networkMode);
}

/** /etc/hosts of a container, with everything on its networks as recorded now, of other stacks too; of one that shares a network that one's. */
export function hostsOf({ records }: Machine, spec: ContainerSpec, endpoints: readonly Endpoint[]): string {
  const owner = networkOwner({ records }, spec);
  if (owner !== undefined) return hostsOf({ records }, owner.spec, owner.endpoints);
  return hostsFile(spec, endpoints, spec.networkMode.type === 'networks' ? peersOn(endpoints, records) : NO_PEERS);
}

const NO_PEERS: PeerLines = { lines: new Set(), text: '' };

/** By a state of the records and names of networks: made once, however many containers are on them. */
const KNOWN = new WeakMap<readonly ContainerRecord[], Map<string, PeerLines>>();

function peersOn(endpoints: readonly Endpoint[], { containers }: Records): PeerLines {
  const all = containers.all();
  const known = KNOWN.get(all) ?? new Map<string, PeerLines>();
  KNOWN.set(all, known);
  const networks = new Set(endpoints.map(({ networkName }) => networkName).sort());
  const key = [...networks].join('\n');
  const replicas = (): readonly ContainerRecord[] => all.filter(({ role }) => role === undefined);
  const lines = known.get(key) ?? peerLines(networks, replicas());
  known.set(key, lines);
  return lines;
}
