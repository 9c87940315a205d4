import type { ContainerSpec, Endpoint, NetworkSpec, VolumeSpec } from '../model/container.ts';
import type { Resources } from '../model/limits.ts';
import { PARENT_OPTIONS } from '../model/network-drivers.ts';
import { NETWORK_OPTIONS } from '../model/network-options.ts';
import { OVERLAY_OPTIONS } from '../model/network-overlay.ts';
import type { FieldChange } from '../model/plan.ts';
import { nameFileChange } from './files.ts';
import { listsByName, softenChange } from './on-change.ts';
import { equalJson, isRecord, member } from './record.ts';
import { joinShapes } from './shapes.ts';

/**
 * What a changed field asks for: `update` in place, `replace` the whole resource, `ignore` it, or nothing that can be
 * done unasked: `conflict`. A table names the policy of every field of its type, so that a new field without one does not
 * compile; docs/plan.md has a row for each.
 */
export type Policy = 'update' | 'replace' | 'ignore' | 'conflict';
type PolicyTable<Type> = { readonly [Field in keyof Type]-?: Policy | Readonly<Record<string, Policy>> };

/** Limits are files of a cgroup; only oom_score_adj belongs to the processes, which inherited it when they started. */
const RESOURCE_POLICY: { readonly [Field in keyof Resources]-?: Policy } = {
  cpus: 'update',
  cpuQuotaUs: 'update',
  cpuPeriodUs: 'update',
  cpuShares: 'update',
  cpuset: 'update',
  memoryBytes: 'update',
  memoryReservationBytes: 'update',
  memorySwapBytes: 'update',
  pids: 'update',
  blkio: 'update',
  oomScoreAdj: 'replace',
  oomKillDisable: 'update',
  memorySwappiness: 'update',
  deviceRules: 'update',
};

/** In the order in which changes are shown. */
const CONTAINER_POLICY: PolicyTable<ContainerSpec> = {
  key: 'ignore',
  oneOff: 'ignore',
  name: 'replace',
  image: { source: 'update', id: 'replace' },
  labels: 'update',
  argv: 'replace',
  env: 'replace',
  workingDir: 'replace',
  user: 'replace',
  groupAdd: 'replace',
  hostname: 'replace',
  domainname: 'replace',
  init: 'replace',
  runtime: 'replace',
  tty: 'replace',
  stdinOpen: 'replace',
  logDriver: 'replace',
  logLimitBytes: 'update',
  stopSignal: 'update',
  stopGracePeriodMs: 'update',
  restart: 'update',
  healthcheck: 'update',
  restartUnhealthy: 'update',
  preStart: 'replace',
  postStart: 'update',
  preStop: 'update',
  dependsOn: 'update',
  networkMode: 'replace',
  networks: 'update',
  ports: 'update',
  expose: 'update',
  dns: 'update',
  dnsSearch: 'update',
  dnsOptions: 'update',
  extraHosts: 'update',
  mounts: 'replace',
  files: 'replace',
  readOnly: 'replace',
  shmSizeBytes: 'replace',
  security: 'replace',
  ulimits: 'replace',
  sysctls: 'replace',
  resources: RESOURCE_POLICY,
  namespaces: 'replace',
};

type OptionName =
  | (typeof NETWORK_OPTIONS)[keyof typeof NETWORK_OPTIONS]
  | (typeof PARENT_OPTIONS)[keyof typeof PARENT_OPTIONS]
  | (typeof OVERLAY_OPTIONS)[keyof typeof OVERLAY_OPTIONS];

/** Of the options that the engine acts on; one that it does not is but recorded. */
const NETWORK_OPTION_POLICY: { readonly [Name in OptionName]: Policy } = {
  [NETWORK_OPTIONS.mtu]: 'update',
  [NETWORK_OPTIONS.bridgeName]: 'replace',
  [NETWORK_OPTIONS.masquerade]: 'update',
  [NETWORK_OPTIONS.betweenContainers]: 'update',
  [NETWORK_OPTIONS.hostBinding]: 'update',
  [NETWORK_OPTIONS.gatewayMode4]: 'update',
  [NETWORK_OPTIONS.gatewayMode6]: 'update',
  [NETWORK_OPTIONS.interfacePrefix]: 'update',
  [PARENT_OPTIONS.parent]: 'replace',
  [PARENT_OPTIONS.macvlanMode]: 'replace',
  [PARENT_OPTIONS.ipvlanMode]: 'replace',
  [PARENT_OPTIONS.ipvlanFlag]: 'replace',
  [OVERLAY_OPTIONS.vni]: 'replace',
  [OVERLAY_OPTIONS.peers]: 'update',
  [OVERLAY_OPTIONS.local]: 'update',
  [OVERLAY_OPTIONS.port]: 'replace',
};

const NETWORK_POLICY: PolicyTable<NetworkSpec> = {
  stack: 'ignore',
  key: 'ignore',
  name: 'replace',
  driver: 'replace',
  driverOptions: NETWORK_OPTION_POLICY,
  internal: 'replace',
  labels: 'update',
  bridge: 'replace',
  parent: 'replace',
  overlay: {
    vxlan: 'replace',
    vni: 'replace',
    port: 'replace',
    local: 'replace',
    peers: 'update',
    gateways: 'update',
    mtu: 'update',
  },
  subnet4: 'replace',
  gateway4: 'replace',
  ipRange4: 'update',
  reserved4: 'update',
  subnet6: 'replace',
  gateway6: 'replace',
  ipRange6: 'update',
  reserved6: 'update',
};

/** What is in a volume cannot be made again, so nothing ever replaces one unless the user has agreed to lose it. */
const VOLUME_POLICY: PolicyTable<VolumeSpec> = {
  stack: 'ignore',
  key: 'ignore',
  name: 'ignore',
  driver: 'conflict',
  driverOptions: 'conflict',
  labels: 'update',
};

/** Endpoints are compared by their network; the network's own facts change only when the network is replaced. */
const ENDPOINT_POLICY: PolicyTable<Endpoint> = {
  network: 'ignore',
  networkName: 'ignore',
  bridge: 'update',
  hostInterface: 'update',
  parent: 'update',
  containerInterface: 'update',
  ipv4: 'update',
  gateway4: 'update',
  ipv6: 'update',
  gateway6: 'update',
  defaultRoute: 'update',
  macAddress: 'update',
  linkLocal: 'update',
  sysctls: 'update',
  mtu: 'update',
  isolated: 'update',
  routed4: 'update',
  routed6: 'update',
  // Shown as the networks' own.
  shape: 'ignore',
  names: 'update',
  byHand: 'ignore',
};

/** Changed fields of a container, down to leaves: `resources.memoryBytes`, `env.PORT`, `mounts./data.source`. */
export function diffContainer(before: ContainerSpec, after: ContainerSpec): readonly FieldChange[] {
  return joinShapes(diffFields(CONTAINER_POLICY, listsByName(before), listsByName(after)), before, after)
    .flatMap((change) => softenChange(change, after) ?? [])
    .map(nameFileChange);
}

export function diffNetwork(before: NetworkSpec, after: NetworkSpec): readonly FieldChange[] {
  return diffFields(NETWORK_POLICY, before, after);
}

export function diffVolume(before: VolumeSpec, after: VolumeSpec): readonly FieldChange[] {
  return diffFields(VOLUME_POLICY, before, after);
}

/** Whether a changed field of a volume would cost its data. */
export function costsData({ field }: FieldChange): boolean {
  return Object.entries(VOLUME_POLICY).some(
    ([name, policy]) => policy === 'conflict' && (field === name || field.startsWith(`${name}.`)),
  );
}

/** Every policy by kind of resource and field: `container`, `resources.memoryBytes`. */
export function fieldPolicies(): Readonly<Record<'container' | 'network' | 'volume', ReadonlyMap<string, Policy>>> {
  return {
    container: flatPolicies(CONTAINER_POLICY),
    network: flatPolicies(NETWORK_POLICY),
    volume: flatPolicies(VOLUME_POLICY),
  };
}

function flatPolicies<Type>(table: PolicyTable<Type>): ReadonlyMap<string, Policy> {
  const entries = Object.entries<Policy | Readonly<Record<string, Policy>>>(table);
  return new Map(
    entries.flatMap(([field, policy]): [string, Policy][] =>
      typeof policy === 'string'
        ? [[field, policy]]
        : Object.entries(policy).map(([inner, each]) => [`${field}.${inner}`, each]),
    ),
  );
}

/** Changes of the endpoints that are there before and after: `endpoints.backend.ipv4`. */
export function diffEndpoints(before: readonly Endpoint[], after: readonly Endpoint[]): readonly FieldChange[] {
  const old = new Map(before.map((endpoint) => [endpoint.network, endpoint]));
  return after.flatMap((endpoint) => {
    const previous = old.get(endpoint.network);
    if (previous === undefined) return [];
    return diffFields(ENDPOINT_POLICY, previous, endpoint, `endpoints.${endpoint.network}.`);
  });
}

export function forcesReplacement(changes: readonly FieldChange[]): boolean {
  return changes.some((change) => change.forcesReplacement);
}

function diffFields<Type>(
  table: PolicyTable<Type>,
  before: object,
  after: object,
  prefix = '',
): readonly FieldChange[] {
  const old = before as Readonly<Record<string, unknown>>;
  const wanted = after as Readonly<Record<string, unknown>>;
  const changes: FieldChange[] = [];
  for (const field of Object.keys(table) as (keyof Type & string)[]) {
    const policy: Policy | Readonly<Record<string, Policy>> = table[field];
    if (policy === 'ignore' || equalJson(old[field], wanted[field])) continue;
    const leaf = (path: readonly string[]): boolean =>
      (typeof policy === 'string' ? policy : policy[path[0] ?? '']) === 'replace';
    collectLeaves([], old[field], wanted[field], (path, left, right) => {
      changes.push({
        field: prefix + [field, ...path].join('.'),
        ...(left !== undefined && { before: left }),
        ...(right !== undefined && { after: right }),
        forcesReplacement: leaf(path),
      });
    });
  }
  return changes;
}

type LeafVisitor = (path: readonly string[], before: unknown, after: unknown) => void;

function collectLeaves(path: readonly string[], before: unknown, after: unknown, visit: LeafVisitor): void {
  if (equalJson(before, after)) return;
  if (!isRecord(before) || !isRecord(after)) {
    visit(path, before, after);
    return;
  }
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  for (const key of keys) collectLeaves([...path, key], member(before, key), member(after, key), visit);
}
