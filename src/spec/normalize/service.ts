import { DEFAULT_SHM_BYTES } from '../../model/limits.ts';
import type { Service, WatchRule } from '../../model/stack.ts';
import { durationMs } from '../duration.ts';
import type { Dict } from '../node.ts';
import { type BuildInput, buildSource } from './build.ts';
import { fileMounts } from './files.ts';
import { hooks, preStartHooks } from './hooks.ts';
import { namespaces, resources, security, ulimits } from './limits.ts';
import { logging } from './logging.ts';
import { mounts } from './mounts.ts';
import { attachments, hostEntry, networkMode, portMappings } from './network.ts';
import { defaultStopGraceMs, dependencies, healthcheck, ociRuntime, restartPolicy } from './process.ts';
import { pullPolicy } from './pull-policy.ts';
import { defined, dictAt, dictsAt, numberAt, stringsAt, textAt, textsAt } from './read.ts';
import { readyCheck } from './ready.ts';
import { updatePolicies } from './update.ts';

/** Docker's default size of /dev/shm. */

export interface ServiceInput extends BuildInput {
  readonly enabled: ReadonlySet<string>;
  readonly origins: Service['origins'] | undefined;
}

/** One service as the engine takes it. */
export function normalizeService(input: ServiceInput): Service {
  const { service, written, enabled, base, origins } = input;
  const mode = networkMode(service);
  const stopGrace = textAt(service, 'stop_grace_period');
  return defined({
    ...buildSource(input),
    pullPolicy: pullPolicy(textAt(service, 'pull_policy'), textAt(service, 'pull_refresh_after')),
    replicas: numberAt(service, 'scale') ?? numberAt(dictAt(service, 'deploy') ?? {}, 'replicas') ?? 1,
    containerName: textAt(service, 'container_name'),
    labels: stringsAt(service, 'labels'),
    entrypoint: argv(service, 'entrypoint'),
    command: argv(service, 'command'),
    environment: stringsAt(service, 'environment'),
    unsetEnvironment: unsetVariables(service),
    workingDir: textAt(service, 'working_dir'),
    user: textAt(service, 'user'),
    groupAdd: textsAt(service, 'group_add'),
    hostname: textAt(service, 'hostname'),
    domainname: textAt(service, 'domainname'),
    init: service['init'] === true,
    runtime: ociRuntime(service),
    tty: service['tty'] === true,
    stdinOpen: service['stdin_open'] === true,
    stopSignal: textAt(service, 'stop_signal'),
    stopGracePeriodMs: stopGrace === undefined ? defaultStopGraceMs : durationMs(stopGrace),
    ...logging(service),
    restart: restartPolicy(service),
    healthcheck: readyCheck(written['x-ready']) ?? healthcheck(service),
    restartUnhealthy: written['x-on-unhealthy'] === 'restart' ? (true as const) : undefined,
    preStart: preStartHooks(service, base('pre_start')),
    postStart: hooks(service, 'post_start'),
    preStop: hooks(service, 'pre_stop'),
    dependsOn: dependencies(service, enabled),
    networkMode: mode,
    networks: attachments(service, mode, written),
    ports: portMappings(service),
    expose: textsAt(service, 'expose'),
    dns: textsAt(service, 'dns'),
    dnsSearch: textsAt(service, 'dns_search'),
    dnsOptions: textsAt(service, 'dns_opt'),
    extraHosts: textsAt(service, 'extra_hosts').map(hostEntry),
    mounts: mounts(service, base('volumes')),
    files: fileMounts(service),
    readOnly: service['read_only'] === true,
    shmSizeBytes: numberAt(service, 'shm_size') ?? DEFAULT_SHM_BYTES,
    security: security(service, base('security_opt')),
    ulimits: ulimits(service),
    sysctls: stringsAt(service, 'sysctls'),
    resources: resources(service),
    namespaces: namespaces(service, written['x-time-namespace'] === true),
    ...updatePolicies(dictAt(service, 'deploy')),
    watch: dictsAt(dictAt(service, 'develop'), 'watch').map(watchRule),
    origins,
  });
}

function argv(service: Dict, key: string): string[] | null {
  return Array.isArray(service[key]) ? textsAt(service, key) : null;
}

function unsetVariables(service: Dict): string[] | undefined {
  const unset = Object.entries(dictAt(service, 'environment') ?? {}).flatMap(([name, value]) =>
    value === null ? [name] : [],
  );
  return unset.length === 0 ? undefined : unset.sort();
}

function watchRule(rule: Dict): WatchRule {
  return defined({
    path: textAt(rule, 'path') ?? '',
    action: textAt(rule, 'action') as WatchRule['action'],
    target: textAt(rule, 'target'),
    ignore: textsAt(rule, 'ignore'),
    include: textsAt(rule, 'include'),
    initialSync: rule['initial_sync'] === true,
  });
}
