import type { HostOp } from '../host/op.ts';
import { hostsOf } from '../network/network-owner.ts';
import { containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { MachineContext } from './context.ts';

type Machine = Pick<MachineContext, 'host' | 'paths' | 'records'>;

/** Names of the networks that containers of a stack are on, whoever owns them. */
export function networksOf({ records }: Pick<Machine, 'records'>, stack: string): readonly string[] {
  return [...new Set(records.containersOf(stack).flatMap(networkNames))];
}

/**
 * Operations that bring the hosts files up to date in place (a rename would leave the mounted inode behind): of the
 * containers of `stack`, and of those on a network that its containers are on or were on (`before`).
 */
export function refreshHosts(context: Machine, stack: string, before: readonly string[] = []): readonly HostOp[] {
  const { host, paths, records } = context;
  const networks = new Set([...before, ...networksOf(context, stack)]);
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
