import { imageKey, inspectImage } from '../image/image.ts';
import { machineName, replicaName } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { ImageInfo } from '../model/image.ts';
import type { ObservedHost, ObservedState } from '../model/observed.ts';
import { imageSources, type Stack } from '../model/stack.ts';
import { inspectNetwork, listListeners, type NetworkState, networkDrift } from '../network/inspect.ts';
import type { ContainerRecord } from '../store/records.ts';
import { hasMount, isVolumeMounted } from '../volume/mount.ts';
import { observeContainer } from './container.ts';
import type { ObserveContext } from './context.ts';

/**
 * Looks at everything that a plan for a stack depends on. `stack`: the desired state, for the images that it names and
 * the ports that it publishes; without it only what is there.
 */
export async function observe(context: ObserveContext, name: string, stack?: Stack): Promise<ObservedState> {
  const publishes = stack !== undefined && Object.values(stack.services).some((service) => service.ports.length > 0);
  const [network, listeners, images] = await Promise.all([
    inspectNetwork(context.host),
    publishes ? listListeners(context.host) : [],
    stack === undefined ? {} : inspectImages(context, stack),
  ]);
  const { records } = context;
  const containers = records.containersOf(name);
  const volumes = records.volumes.all();
  return {
    containers: Object.fromEntries(
      containers.map((record) => [replicaName(record.key), observeContainer(context, record, network)]),
    ),
    networks: observeNetworks(context, network, name, stack),
    volumes: Object.fromEntries(volumes.map((volume) => [volume.name, volume])),
    unmountedVolumes: volumes
      .filter((volume) => hasMount(volume) && !isVolumeMounted(context.host, context.paths, volume.name))
      .map((volume) => volume.name),
    images,
    host: { ...observeHost(context, name, network.routes), listeners },
  };
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
    networks: Object.fromEntries(records.networksOf(name).map((spec) => [spec.key, { spec, drift: [] }])),
    volumes: Object.fromEntries(records.volumes.all().map((volume) => [volume.name, volume])),
    unmountedVolumes: [],
    images: {},
    host: { ...observeHost(context, name, []), listeners: [] },
  };
}

/** The stack's own networks, and the external ones that it names, under its own keys. */
function observeNetworks(
  { records }: ObserveContext,
  network: NetworkState,
  name: string,
  stack: Stack | undefined,
): ObservedState['networks'] {
  const external = Object.values(stack?.networks ?? {}).flatMap((wanted) => {
    const spec = wanted.external ? records.networks.get(wanted.name) : undefined;
    return spec === undefined ? [] : [{ ...spec, key: wanted.key }];
  });
  return Object.fromEntries(
    [...records.networksOf(name), ...external].map((spec) => [spec.key, { spec, drift: networkDrift(network, spec) }]),
  );
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
  const ownBridges = new Set(records.networksOf(name).map(({ bridge }) => bridge));
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
        .flatMap(({ subnet4, name: owner }) => (subnet4 === undefined ? [] : [{ subnet: subnet4, owner }])),
      ...reserved.flatMap(([owner, { subnets }]) => subnets.map((subnet) => ({ subnet, owner }))),
    ],
    foreignAddresses: Object.fromEntries(
      Map.groupBy(
        foreign.flatMap((record) => record.endpoints),
        ({ networkName }) => networkName,
      )
        .entries()
        .map(([networkName, endpoints]) => [
          networkName,
          endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].flatMap((address) => address?.split('/')[0] ?? [])),
        ]),
    ),
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

/** Names of containers by the volumes that they mount. */
function volumeUsers(containers: readonly ContainerRecord[]): Readonly<Record<string, readonly string[]>> {
  const users: Record<string, string[]> = Object.create(null);
  for (const { key, spec } of containers) {
    for (const mount of spec.mounts) {
      if (mount.type !== 'volume' || mount.source === undefined) continue;
      users[mount.source] = [...(users[mount.source] ?? []), machineName(key)];
    }
  }
  return users;
}
