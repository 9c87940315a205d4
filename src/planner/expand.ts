import { type ContainerKey, containerAddress, imageAddress } from '../model/address.ts';
import type { ContainerSpec } from '../model/container.ts';
import type { ImageInfo } from '../model/image.ts';
import type { Security } from '../model/limits.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import { shortId } from '../model/short-id.ts';
import type { ImageSource, Service, Stack } from '../model/stack.ts';
import { argvOf } from './argv.ts';
import { environmentOf } from './environment.ts';
import { type ContentHash, filesOf } from './files.ts';
import type { Findings } from './findings.ts';
import { healthcheckOf } from './healthcheck.ts';
import { type BindHash, hashBinds, imagesMounted, mountsOf, withImageIds } from './mounts.ts';
import { connectionOf } from './network-mode.ts';
import { preStartsOf } from './pre-start.ts';
import { member } from './record.ts';
import { replicaNumbers } from './replica-numbers.ts';

export interface ExpandContext {
  readonly stack: Stack;
  readonly observed: ObservedState;
  readonly imageKey: (source: ImageSource) => string;
  readonly contentHash?: ContentHash;
  readonly bindHash?: BindHash;
  readonly findings: Findings;
}

/** One container per replica. A service that can't be expanded is a conflict and gives none. */
export function expandServices(context: ExpandContext, services: readonly Service[]): readonly ContainerSpec[] {
  const present = Map.groupBy(
    Object.values(context.observed.containers).filter(isReplica),
    ({ spec }) => spec.key.service,
  );
  return services.flatMap((service) => expandService(context, service, present.get(service.name) ?? []));
}

function isReplica({ spec, role }: ObservedContainer): boolean {
  return role === undefined && spec.oneOff === undefined;
}

/** `present`: its replicas. */
function expandService(
  context: ExpandContext,
  service: Service,
  present: readonly ObservedContainer[],
): readonly ContainerSpec[] {
  const { stack, findings } = context;
  if (service.replicas === 0) return [];
  const imageKey = context.imageKey(service.source);
  const image = member(context.observed.images, imageKey);
  if (image === undefined) {
    findings.conflicts.push({
      address: imageAddress(imageKey),
      message: `Cannot create service "${service.name}": image "${imageKey}" was not found`,
      hint: `Check services.${service.name}.${service.source.type === 'rootfs' ? 'x-rootfs' : 'image'}.`,
    });
    return [];
  }
  const base = serviceSpec(context, service, image);
  const mounted = imagesMounted(context, service);
  if (base === undefined || mounted === undefined) return [];
  const replica = (index: number): ContainerSpec => {
    const key: ContainerKey = { stack: stack.name, service: service.name, index };
    const spec = replicaSpec(stack, service, image, { ...base, ...filesOf(service, context.contentHash), key });
    const mounts = withImageIds(hashBinds(spec.mounts, context.bindHash), mounted, context.imageKey);
    return { ...spec, mounts };
  };
  return replicaNumbers(service, { ...context, present }, replica).map(replica);
}

type ReplicaFields = 'name' | 'labels' | 'hostname' | 'env' | 'mounts';
type SharedSpec = Omit<ContainerSpec, ReplicaFields>;

function replicaSpec(stack: Stack, service: Service, image: ImageInfo, shared: SharedSpec): ContainerSpec {
  const { key } = shared;
  const owner =
    service.networkMode.type === 'service' ? member(stack.services, service.networkMode.service) : undefined;
  const hostname =
    service.hostname ??
    (owner === undefined ? shortId(key) : (owner.hostname ?? shortId({ ...key, service: owner.name, index: 1 })));
  return {
    ...shared,
    name: service.containerName ?? `${key.stack}-${key.service}-${key.index}`,
    hostname,
    env: environmentOf(service, image.config, hostname),
    labels: {
      ...image.config.labels,
      ...service.labels,
      'com.docker.compose.project': key.stack,
      'com.docker.compose.service': service.oneOff?.service ?? key.service,
      'com.docker.compose.container-number': String(key.index),
      ...(service.oneOff !== undefined && { 'com.docker.compose.oneoff': 'True' }),
    },
    mounts: mountsOf(stack, service, image.config, key),
  };
}

/** What all replicas have in common; `key` is the first one's. */
function serviceSpec(context: ExpandContext, service: Service, image: ImageInfo): SharedSpec | undefined {
  const { stack, findings } = context;
  const address = containerAddress(service.name, 1);
  const argv = argvOf(service, image.config);
  if (argv.length === 0) {
    findings.conflicts.push({
      address,
      message: `Cannot create service "${service.name}": neither the service nor its image says what to run`,
      hint: `Set services.${service.name}.command.`,
    });
    return undefined;
  }
  const connection = connectionOf(stack, service);
  if (connection === undefined) {
    findings.conflicts.push({
      address,
      message: `Cannot connect service "${service.name}": the networks "host" and "none" cannot be combined with others`,
      hint: `Keep one of services.${service.name}.networks.`,
    });
    return undefined;
  }
  const preStart = preStartsOf(context, service, image);
  const healthcheck = healthcheckOf(service.healthcheck, image.config.healthcheck);
  if (service.healthcheck?.startIntervalMs !== undefined && healthcheck?.startPeriodMs === 0) {
    findings.conflicts.push({
      address,
      message: `Cannot check service "${service.name}": healthcheck.start_interval counts during healthcheck.start_period, and there is none`,
      hint: `Set services.${service.name}.healthcheck.start_period, or leave start_interval out.`,
    });
  }
  return {
    key: { stack: stack.name, service: service.name, index: 1 },
    image: { source: service.source, id: image.id },
    argv,
    workingDir: service.workingDir ?? (image.config.workingDir || '/'),
    user: service.user ?? image.config.user,
    groupAdd: service.groupAdd,
    domainname: service.domainname ?? '',
    init: service.init,
    ...written(service),
    tty: service.tty,
    stdinOpen: service.stdinOpen,
    stopSignal: service.stopSignal ?? image.config.stopSignal ?? 'SIGTERM',
    stopGracePeriodMs: service.stopGracePeriodMs,
    restart: service.restart,
    ...(healthcheck !== undefined && { healthcheck }),
    ...(service.restartUnhealthy && { restartUnhealthy: true }),
    ...(preStart.length > 0 && { preStart }),
    ...(service.postStart !== undefined && { postStart: service.postStart }),
    ...(service.preStop !== undefined && { preStop: service.preStop }),
    dependsOn: service.dependsOn,
    ...connection,
    ports: service.ports,
    ...(service.expose.length > 0 && { expose: service.expose }),
    dns: service.dns,
    dnsSearch: service.dnsSearch,
    dnsOptions: service.dnsOptions,
    extraHosts: service.extraHosts,
    readOnly: service.readOnly,
    shmSizeBytes: service.shmSizeBytes,
    security: sortedCapabilities(service.security),
    ulimits: service.ulimits,
    sysctls: service.sysctls,
    resources: service.resources,
    namespaces: service.namespaces,
    ...(service.oneOff !== undefined && { oneOff: service.oneOff }),
  };
}

/** What a service may say or leave out, and that then stands in its container as it is. */
function written({
  runtime,
  logDriver,
  logLimitBytes,
}: Service): Pick<SharedSpec, 'runtime' | 'logDriver' | 'logLimitBytes'> {
  return {
    ...(runtime !== undefined && { runtime }),
    ...(logDriver !== undefined && { logDriver }),
    ...(logLimitBytes !== undefined && { logLimitBytes }),
  };
}

/** Sets, not lists: another order is no change. */
function sortedCapabilities(security: Security): Security {
  return {
    ...security,
    capAdd: [...new Set(security.capAdd)].sort(),
    capDrop: [...new Set(security.capDrop)].sort(),
  };
}
