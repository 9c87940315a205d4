import type { HostOp } from '../host/op.ts';
import type { ContainerSpec, Endpoint } from '../model/container.ts';
import { preStartReplica } from '../model/pre-start.ts';
import { hostsFile } from '../network/names.ts';
import { containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { MachineContext } from './context.ts';

type Machine = Pick<MachineContext, 'host' | 'paths' | 'records'>;

/** /etc/hosts of a container, with everything on its networks as recorded now, of other stacks too. */
export function hostsOf(
  { records }: Pick<Machine, 'records'>,
  spec: ContainerSpec,
  endpoints: readonly Endpoint[],
): string {
  const replica = preStartReplica(spec);
  const owner = replica === undefined ? undefined : records.container(replica);
  if (owner !== undefined) return hostsOf({ records }, owner.spec, owner.endpoints);
  const all = spec.networkMode.type === 'networks' ? records.containers.all() : [];
  const peers = all.filter(({ role }) => role === undefined);
  return hostsFile(spec, endpoints, peers);
}

/**
 * Operations that bring the hosts files up to date in place (a rename would leave the mounted inode behind): of the
 * containers that share a network with `stack`.
 */
export function refreshHosts(context: Machine, stack: string): readonly HostOp[] {
  const { host, paths, records } = context;
  const networks = new Set(records.containersOf(stack).flatMap(networkNames));
  const concerned = records.containers
    .all()
    .filter((record) => record.key.stack === stack || networkNames(record).some((name) => networks.has(name)));
  return concerned.flatMap((record): readonly HostOp[] => {
    const path = containerPaths(paths, record.key).hosts;
    const data = hostsOf(context, record.spec, record.endpoints);
    const present = host.readText(path);
    return present === undefined || present === data ? [] : [{ op: 'write-in-place', path, data }];
  });
}

function networkNames(record: ContainerRecord): readonly string[] {
  return record.endpoints.map(({ networkName }) => networkName);
}
