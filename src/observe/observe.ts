import { imageKey, inspectImage } from '../image/image.ts';
import { machineName, replicaName } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { ImageInfo } from '../model/image.ts';
import { withLive } from '../model/live.ts';
import type { Drift, Listener, ObservedHost, ObservedNetwork, ObservedState } from '../model/observed.ts';
import { imageSources, type Stack } from '../model/stack.ts';
import { withoutPrefix } from '../network/cidr.ts';
import { driftOf } from '../network/driver.ts';
import { inspectNetwork, listListeners, type NetworkState } from '../network/inspect.ts';
import type { ContainerRecord } from '../store/records.ts';
import { hasMount, isVolumeMounted } from '../volume/mount.ts';
import { observeContainer, observeDrift } from './container.ts';
import type { ObserveContext } from './context.ts';

/**
 * Looks at everything that a plan for a stack depends on. `stack`: the desired state, for the images that it names and
 * the ports that it publishes; without it only what is there.
 */
export async function observe(context: ObserveContext, name: string, stack?: Stack): Promise<ObservedState> {
  const publishes = stack !== undefined && Object.values(stack.services).some((service) => service.ports.length > 0);
  const containers = context.records.containersOf(name);
  const shaped = containers.some(({ endpoints, live }) =>
    withLive(endpoints, live).some(({ shape }) => shape !== undefined),
  );
  // What is read here is read while the programs run that tell of the network.
  const [network, seen, listeners, images] = await Promise.all([
    inspectNetwork(context.host, {
      shaped,
      cut: containers.some(({ live }) => live?.cuts !== undefined),
      tunnels: context.records.networksOf(name).some(({ overlay }) => overlay),
    }),
    readContainers(context, containers),
    publishes ? listStrangers(context) : [],
    stack === undefined ? {} : inspectImages(context, stack),
  ]);
  const { records } = context;
  const volumes = records.volumes.all();
  return {
    containers: Object.fromEntries(seen.map(([replica, tell]) => [replica, tell(network)])),
    networks: observeNetworks(context, name, stack, (spec) => driftOf(network, spec)),
    volumes: Object.fromEntries(volumes.map((volume) => [volume.name, volume])),
    unmountedVolumes: volumes
      .filter((volume) => hasMount(volume) && !isVolumeMounted(context.host, context.paths, volume.name))
      .map((volume) => volume.name),
    images,
    host: { ...observeHost(context, name, network.routes), links: hostLinks(context, network), listeners },
  };
}

/** Async, so that its failure is one among those of what it is waited for with. */
async function readContainers(
  context: ObserveContext,
  containers: readonly ContainerRecord[],
): Promise<readonly (readonly [replica: string, tell: ReturnType<typeof observeDrift>])[]> {
  return containers.map((record) => [replicaName(record.key), observeDrift(context, record)]);
}

/** Sockets that listen, without those that relay ports which the records know. */
async function listStrangers({ host, serving, outside }: ObserveContext): Promise<readonly Listener[]> {
  const listeners = await listListeners(host, outside);
  const pid = serving?.pid;
  return pid === undefined ? listeners : listeners.filter(({ owner }) => owner?.endsWith(`(pid ${pid})`) !== true);
}

/**
 * What there is of a stack by our records, the processes and the cgroups: all that a plan needs which only ends, or
 * starts again what is there. Starts no program. No drift is looked for; images, listeners and routes are left out.
 */
export function observeRecorded(context: ObserveContext, name: string): ObservedState {
  const { records } = context;
  return {
    containers: Object.fromEntries(
      records.containersOf(name).map((record) => [replicaName(record.key), observeContainer(context, record)]),
    ),
    networks: observeNetworks(context, name, undefined, () => []),
    volumes: Object.fromEntries(records.volumes.all().map((volume) => [volume.name, volume])),
    unmountedVolumes: [],
    images: {},
    host: { ...observeHost(context, name, []), listeners: [] },
  };
}

/** `ip addr` does not tell aliases; what is a port of something else is no network of ours. */
function hostLinks({ host }: ObserveContext, { links }: NetworkState): NonNullable<ObservedHost['links']> {
  return Object.fromEntries(
    links.entries().map(([name, { master, mtu, addresses }]) => {
      const alias = master === undefined ? host.readText(`/sys/class/net/${name}/ifalias`)?.trim() : undefined;
      const plain = addresses.map(withoutPrefix);
      return [
        name,
        { ...(alias && { alias }), ...(plain.length > 0 && { addresses: plain }), ...(mtu !== undefined && { mtu }) },
      ];
    }),
  );
}

/**
 * The stack's own networks, the external ones that it names, and those that its containers are on besides: each under the
 * key that the stack has it by.
 */
function observeNetworks(
  { records }: ObserveContext,
  name: string,
  stack: Stack | undefined,
  driftOf: (spec: NetworkSpec) => readonly Drift[],
): ObservedState['networks'] {
  const networks: Record<string, ObservedNetwork> = Object.create(null);
  for (const spec of records.networksOf(name)) networks[spec.key] = { spec, drift: driftOf(spec) };
  const keys = new Map<string, string>();
  for (const { network, networkName } of records.containersOf(name).flatMap(({ endpoints }) => endpoints)) {
    if (networks[network] === undefined) keys.set(network, networkName);
  }
  for (const wanted of Object.values(stack?.networks ?? {})) if (wanted.external) keys.set(wanted.key, wanted.name);
  for (const [key, networkName] of keys) {
    const owned = records.networks.get(networkName);
    if (owned === undefined) continue;
    networks[key] = { spec: { ...owned, key }, owned, drift: driftOf(owned) };
  }
  return networks;
}

async function inspectImages(context: ObserveContext, stack: Stack): Promise<Readonly<Record<string, ImageInfo>>> {
  const named = Object.values(stack.services).flatMap(imageSources);
  const sources = new Map(named.map((source) => [imageKey(source), source]));
  const inspected = await Promise.all(
    [...sources].map(async ([key, source]) => {
      try {
        return [[key, await inspectImage(context, source)] as const];
      } catch (error) {
        // The planner reports an image that is not there with every other conflict; a damaged one is an error by itself.
        if (error instanceof TsstackError && error.code === 'image-missing') return [];
        throw error;
      }
    }),
  );
  return Object.fromEntries(inspected.flat());
}

function observeHost(
  context: ObserveContext,
  name: string,
  routes: NetworkState['routes'],
): Omit<ObservedHost, 'listeners'> {
  const { records, host, cgroups } = context;
  const foreign = records.containers.all().filter((record) => record.key.stack !== name);
  const memory = /^MemTotal:\s+([0-9]+) kB$/m.exec(host.readText('/proc/meminfo') ?? '')?.[1];
  const reserved = [...context.reserved].filter(([stack]) => stack !== name);
  const ownBridges = new Set(records.networksOf(name).flatMap(({ bridge }) => bridge ?? []));
  return {
    routes: routes.filter(({ device }) => !ownBridges.has(device)),
    foreignPorts: [
      ...foreign.flatMap((record) => record.ports.map((port) => ({ ...port, owner: machineName(record.key) }))),
      ...reserved.flatMap(([owner, { ports }]) => ports.map((port) => ({ ...port, owner }))),
    ],
    foreignSubnets: [
      ...records.networks
        .all()
        .filter(({ stack }) => stack !== name)
        .flatMap(({ subnet4, subnet6, name: owner }) =>
          [subnet4, subnet6].flatMap((subnet) => (subnet === undefined ? [] : [{ subnet, owner }])),
        ),
      ...reserved.flatMap(([owner, { subnets }]) => subnets.map((subnet) => ({ subnet, owner }))),
    ],
    foreignAddresses: Object.fromEntries(
      Map.groupBy(
        [...foreign.flatMap((record) => record.endpoints), ...reserved.flatMap(([, { endpoints }]) => endpoints)],
        ({ networkName }) => networkName,
      )
        .entries()
        .map(([networkName, endpoints]) => [
          networkName,
          endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].flatMap((address) => address?.split('/')[0] ?? [])),
        ]),
    ),
    foreignNetworkUsers: networkUsers(foreign),
    foreignVolumeUsers: volumeUsers(foreign),
    foreignContainerNames: [
      ...foreign.map(({ spec }) => spec.name),
      ...reserved.flatMap(([, { containerNames }]) => containerNames),
    ],
    cgroupVersion: cgroups.version,
    cpus: (host.readText('/proc/cpuinfo') ?? '').split('\n').filter((line) => line.startsWith('processor')).length || 1,
    memoryBytes: Number(memory ?? 0) * 1024,
  };
}

/** Names of containers by the networks that they are on. */
function networkUsers(containers: readonly ContainerRecord[]): Readonly<Record<string, readonly string[]>> {
  return usersOf(containers, ({ endpoints }) => endpoints.map(({ networkName }) => networkName));
}

/** Names of containers by the volumes that they mount. */
function volumeUsers(containers: readonly ContainerRecord[]): Readonly<Record<string, readonly string[]>> {
  return usersOf(containers, ({ spec }) =>
    spec.mounts.flatMap((mount) => (mount.type === 'volume' ? (mount.source ?? []) : [])),
  );
}

function usersOf(
  containers: readonly ContainerRecord[],
  used: (record: ContainerRecord) => readonly string[],
): Readonly<Record<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  for (const record of containers) {
    for (const name of used(record)) {
      const known = users.get(name) ?? [];
      known.push(machineName(record.key));
      users.set(name, known);
    }
  }
  return Object.fromEntries(users);
}
