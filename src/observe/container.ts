import { netnsName } from '../model/address.ts';
import { withLive } from '../model/live.ts';
import type { ContainerStatus, Drift, ObservedContainer } from '../model/observed.ts';
import { cutMemberNames } from '../network/cut.ts';
import { isolationDrift } from '../network/inside.ts';
import { endpointDrift, type NetworkState } from '../network/inspect.ts';
import { cgroupName, containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { ObserveContext } from './context.ts';
import { type Liveness, liveness } from './liveness.ts';
import { namesDrift, processDrift } from './process-drift.ts';

/** One container as it is now. Its drift is not looked for. */
export function observeContainer(context: ObserveContext, record: ContainerRecord): ObservedContainer {
  return observed(context, record, knownLife(context, record));
}

/** Until the supervisor has dealt with an end it has not happened: nobody could say what comes of it. */
function knownLife({ host, paths, bootId, supervised }: ObserveContext, record: ContainerRecord): Liveness {
  const life = liveness(host, paths, record, bootId);
  return life.state === 'ended' && supervised(record.key).runs ? { state: 'running' } : life;
}

/**
 * The same with its drift: what the kernel shows of it is read now, and how it stands to the machine's network is told
 * when that is known, so that the one can be read while programs list the other.
 */
export function observeDrift(
  context: ObserveContext,
  record: ContainerRecord,
): (network: NetworkState) => ObservedContainer {
  const life = knownLife(context, record);
  const container = observed(context, record, life);
  if (isWithoutDirectory(context, record, life)) {
    const drift: Drift = { kind: 'rootfs', message: 'its directory is missing' };
    return () => ({ ...container, drift: [drift] });
  }
  const drift = ownDrift(context, record, container);
  return (network) => ({
    ...container,
    drift: [...drift, ...networkDrift(context, record, { status: container.status, network })],
  });
}

function observed(context: ObserveContext, record: ContainerRecord, life: Liveness): ObservedContainer {
  const supervised = context.supervised(record.key);
  const frozen = (): boolean => context.cgroups.frozen(cgroupName(record.key));
  const exitCode = life.state === 'ended' ? (life.exitCode ?? record.exitCode) : undefined;
  const finishedAtMs = life.state === 'ended' ? (life.finishedAtMs ?? record.finishedAtMs) : undefined;
  return {
    spec: record.spec,
    endpoints: record.endpoints,
    ports: record.ports,
    ...(record.role !== undefined && { role: record.role }),
    ...(record.live !== undefined && { live: record.live }),
    status: containerStatus(life, supervised.restarting, frozen),
    health: life.state === 'running' ? supervised.health : 'none',
    ...(life.state === 'running' && life.process !== undefined && { pid: life.process.pid }),
    ...(exitCode !== undefined && { exitCode }),
    oomKilled: record.oomKilled,
    stoppedByUser: record.stoppedByUser,
    restarts: record.restarts,
    createdAtMs: record.createdAtMs,
    ...(record.startedAtMs !== undefined && { startedAtMs: record.startedAtMs }),
    ...(finishedAtMs !== undefined && { finishedAtMs }),
    drift: [],
  };
}

function containerStatus(life: Liveness, restarting: boolean, frozen: () => boolean): ContainerStatus {
  switch (life.state) {
    case 'never-started':
      return 'created';
    case 'running':
      return frozen() ? 'paused' : 'running';
    case 'ended':
      return restarting ? 'restarting' : 'exited';
  }
}

const FROZEN: Drift = { kind: 'frozen', message: 'its processes are frozen, and nobody paused it' };

/** Who the process is was read in the directory. */
function isWithoutDirectory({ host, paths }: ObserveContext, { key }: ContainerRecord, life: Liveness): boolean {
  if (life.state === 'running' && life.process !== undefined) return false;
  return host.stat(containerPaths(paths, key).directory) === undefined;
}

function ownDrift(
  context: ObserveContext,
  record: ContainerRecord,
  { status, pid }: ObservedContainer,
): readonly Drift[] {
  const { host, cgroups } = context;
  const { key, spec } = record;
  return [
    ...(status === 'paused' && record.pausedByUser !== true ? [FROZEN] : []),
    ...(pid === undefined ? [] : processDrift(context, record, pid)),
    ...namesDrift(context, record),
    ...cgroups.drift(cgroupName(key), spec.resources),
    ...isolationDrift(host, record.endpoints),
  ];
}

function networkDrift(
  context: ObserveContext,
  record: ContainerRecord,
  { status, network }: { readonly status: ContainerStatus; readonly network: NetworkState },
): readonly Drift[] {
  const { key, spec } = record;
  const ownNamespace = spec.networkMode.type === 'networks' || spec.networkMode.type === 'none';
  const isUp = status === 'running' || status === 'paused';
  const endpoints = withLive(record.endpoints, record.live);
  const ports = record.role === undefined && isUp ? record.ports : [];
  return [
    ...cutDrift(context, record, network),
    ...(ownNamespace ? endpointDrift(network, netnsName(key), endpoints, ports) : []),
  ];
}

/** Whether somebody has taken away what cuts it off, or left what did. */
function cutDrift({ records }: ObserveContext, record: ContainerRecord, { cuts }: NetworkState): readonly Drift[] {
  const { key, live, endpoints } = record;
  if (live?.cuts === undefined || cuts === undefined) return [];
  const peers = records.containersOf(key.stack);
  const lacking = cutMemberNames(peers, key).find((member) => !cuts.has(member));
  if (lacking !== undefined) return [{ kind: 'cuts', message: `it is not cut off: ${lacking} is missing` }];
  const meant = new Set(peers.flatMap((peer) => cutMemberNames(peers, peer.key)));
  const surplus = [...cuts].find(
    (member) => !meant.has(member) && endpoints.some(({ hostInterface = '\0' }) => member.includes(hostInterface)),
  );
  return surplus === undefined ? [] : [{ kind: 'cuts', message: `it is cut off still: ${surplus}` }];
}
