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

/** One container as it is now. Without `network` its drift is not looked for. */
export function observeContainer(
  context: ObserveContext,
  record: ContainerRecord,
  network?: NetworkState,
): ObservedContainer {
  const life = liveness(context.host, context.paths, record, context.bootId);
  const supervised = context.supervised(record.key);
  const frozen = (): boolean => context.cgroups.frozen(cgroupName(record.key));
  const status = containerStatus(life, supervised.restarting, frozen);
  const exitCode = life.state === 'ended' ? (life.exitCode ?? record.exitCode) : undefined;
  const finishedAtMs = life.state === 'ended' ? (life.finishedAtMs ?? record.finishedAtMs) : undefined;
  return {
    spec: record.spec,
    endpoints: record.endpoints,
    ports: record.ports,
    ...(record.role !== undefined && { role: record.role }),
    ...(record.live !== undefined && { live: record.live }),
    status,
    health: life.state === 'running' ? supervised.health : 'none',
    ...(life.state === 'running' && life.process !== undefined && { pid: life.process.pid }),
    ...(exitCode !== undefined && { exitCode }),
    oomKilled: record.oomKilled,
    stoppedByUser: record.stoppedByUser,
    restarts: record.restarts,
    createdAtMs: record.createdAtMs,
    ...(record.startedAtMs !== undefined && { startedAtMs: record.startedAtMs }),
    ...(finishedAtMs !== undefined && { finishedAtMs }),
    drift: network === undefined ? [] : containerDrift(context, record, { status, network, life }),
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

function containerDrift(
  context: ObserveContext,
  record: ContainerRecord,
  {
    status,
    network,
    life,
  }: { readonly status: ContainerStatus; readonly network: NetworkState; readonly life: Liveness },
): readonly Drift[] {
  const { host, paths, cgroups } = context;
  const { key, spec } = record;
  if (host.stat(containerPaths(paths, key).directory) === undefined) {
    return [{ kind: 'rootfs', message: 'its directory is missing' }];
  }
  const ownNamespace = spec.networkMode.type === 'networks' || spec.networkMode.type === 'none';
  const pid = life.state === 'running' ? life.process?.pid : undefined;
  return [
    ...(status === 'paused' && record.pausedByUser !== true ? [FROZEN] : []),
    ...(pid === undefined ? [] : processDrift(context, record, pid)),
    ...namesDrift(context, record),
    ...cgroups.drift(cgroupName(key), spec.resources),
    ...isolationDrift(host, record.endpoints),
    ...cutDrift(context, record, network),
    ...(ownNamespace
      ? endpointDrift(
          network,
          netnsName(key),
          withLive(record.endpoints, record.live),
          record.role === undefined && (status === 'running' || status === 'paused') ? record.ports : [],
        )
      : []),
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
