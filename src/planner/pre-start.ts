import { containerAddress, imageAddress } from '../model/address.ts';
import type { ContainerSpec, PreStart } from '../model/container.ts';
import type { ImageInfo } from '../model/image.ts';
import type { NamespaceModes, Security } from '../model/limits.ts';
import type { ObservedState } from '../model/observed.ts';
import { preStartName } from '../model/pre-start.ts';
import type { ImageSource, NetworkMode, PreStartHook, Service, Stack } from '../model/stack.ts';
import { argvOf } from './argv.ts';
import { environmentOf } from './environment.ts';
import type { Findings } from './findings.ts';
import { member } from './record.ts';

interface Context {
  readonly stack: Stack;
  readonly observed: ObservedState;
  readonly imageKey: (source: ImageSource) => string;
  readonly findings: Findings;
}

/** What is run before replicas of the service start. What can't be run is a conflict, and is left out. */
export function preStartsOf(context: Context, service: Service, image: ImageInfo): readonly PreStart[] {
  return (service.preStart ?? []).flatMap((hook, index) => {
    const own = hook.source === undefined ? image : imageOf(context, service, hook.source, index);
    if (own === undefined) return [];
    const argv = argvOf({ entrypoint: null, command: hook.command }, own.config);
    const problem = problemOf(context.stack, service, { index, argv });
    if (problem === undefined) return preStartOf(service, { hook, argv, image: own });
    context.findings.conflicts.push({ address: containerAddress(service.name, 1), ...problem });
    return [];
  });
}

interface Resolved {
  readonly hook: PreStartHook;
  readonly argv: readonly string[];
  readonly image: ImageInfo;
}

function preStartOf(service: Service, { hook, argv, image }: Resolved): PreStart {
  const { source, user, workingDir, privileged, perReplica } = hook;
  const base = { argv, privileged, perReplica };
  if (source === undefined) {
    const own = { ...(user !== undefined && { user }), ...(workingDir !== undefined && { workingDir }) };
    return { ...base, env: hook.environment, ...own };
  }
  const environment = { ...service.environment, ...hook.environment };
  const { HOSTNAME: _, ...env } = environmentOf({ ...service, tty: false, environment }, image.config, '');
  return {
    ...base,
    image: { source, id: image.id },
    env,
    workingDir: workingDir ?? service.workingDir ?? (image.config.workingDir || '/'),
    user: user ?? image.config.user,
  };
}

function imageOf(
  { observed, imageKey, findings }: Context,
  service: Service,
  source: ImageSource,
  index: number,
): ImageInfo | undefined {
  const key = imageKey(source);
  const image = member(observed.images, key);
  if (image === undefined) {
    findings.conflicts.push({
      address: imageAddress(key),
      message: `Cannot run pre_start[${index}] of service "${service.name}": image "${key}" was not found`,
      hint: `Check services.${service.name}.pre_start[${index}].image.`,
    });
  }
  return image;
}

function problemOf(
  { services }: Stack,
  { name }: Service,
  { index, argv }: { readonly index: number; readonly argv: readonly string[] },
): { readonly message: string; readonly hint: string } | undefined {
  const what = `Cannot run pre_start[${index}] of service "${name}"`;
  if (argv.length === 0) {
    const message = `${what}: neither it nor its image says what to run`;
    return { message, hint: `Set services.${name}.pre_start[${index}].command.` };
  }
  const taken = preStartName(name, index);
  if (member(services, taken) === undefined) return undefined;
  return { message: `${what}: its container would be called as service "${taken}" is`, hint: `Rename "${taken}".` };
}

/** As Docker gives a container that asks for nothing. */
const SECURITY: Security = {
  privileged: false,
  capAdd: [],
  capDrop: [],
  noNewPrivileges: false,
  seccomp: 'default',
  devices: [],
};
const NAMESPACES: NamespaceModes = {
  pid: 'private',
  ipc: 'private',
  uts: 'private',
  cgroup: 'private',
  user: 'host',
  time: 'host',
};

/**
 * The container of one of a replica's `preStart`. It has the mounts, configs and secrets of the replica and is in its
 * network namespace, which is there before the replica starts. Its privileges and limits are its own, as in Compose.
 */
export function preStartSpec(replica: ContainerSpec, hook: PreStart, index: number): ContainerSpec {
  const { key, image, env, user, workingDir, dns, dnsSearch, dnsOptions, mounts, files, shmSizeBytes } = replica;
  const { slot } = key;
  return {
    key: { stack: key.stack, service: preStartName(key.service, index), index: key.index },
    name: `${replica.name}-pre_start-${index}`,
    image: hook.image ?? image,
    labels: {
      'com.docker.compose.project': key.stack,
      'com.docker.compose.service': key.service,
      'com.docker.compose.hook': 'pre_start',
    },
    argv: hook.argv,
    env: { ...(hook.image === undefined ? env : hostnameIn(env)), ...hook.env },
    workingDir: hook.workingDir ?? workingDir,
    user: hook.user ?? user,
    groupAdd: [],
    hostname: replica.hostname,
    domainname: replica.domainname,
    init: false,
    ...(replica.runtime !== undefined && { runtime: replica.runtime }),
    tty: false,
    stdinOpen: false,
    stopSignal: 'SIGTERM',
    // Compose kills it, too: what has only prepared something is begun again.
    stopGracePeriodMs: 0,
    restart: { condition: 'no' },
    dependsOn: {},
    networkMode: networkOf(replica),
    networks: {},
    ports: [],
    dns,
    dnsSearch,
    dnsOptions,
    extraHosts: replica.extraHosts,
    mounts,
    ...(files !== undefined && { files }),
    readOnly: false,
    shmSizeBytes,
    security: { ...SECURITY, privileged: hook.privileged },
    ulimits: {},
    sysctls: {},
    resources: {},
    namespaces: { ...NAMESPACES, user: replica.namespaces.user },
    oneOff: {
      service: key.service,
      remove: true,
      preStart: { index: key.index, ...(slot !== undefined && { slot }) },
    },
  };
}

function hostnameIn({ HOSTNAME: hostname }: ContainerSpec['env']): ContainerSpec['env'] {
  return hostname === undefined ? {} : { HOSTNAME: hostname };
}

function networkOf({ key, networkMode }: ContainerSpec): NetworkMode {
  const own = networkMode.type === 'networks' || networkMode.type === 'none';
  return own ? { type: 'service', service: key.service } : networkMode;
}
