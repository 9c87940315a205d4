import type { RunRequest } from '../../build/execute/work.ts';
import { DEFAULT_SHM_BYTES } from '../../model/limits.ts';
import type { FileMount, FileSource } from '../../model/mounts.ts';
import type { Network, NetworkMode, Service, Stack } from '../../model/stack.ts';

/** The one service of the stack that a RUN is. */
export const RUN_SERVICE = 'run';
const NETWORK = 'default';

/** A RUN as a stack. */
export function runStack(name: string, request: RunRequest): Stack {
  const files = request.files.map((file, index) => ({ ...file, kind: kindOf(file.secret), source: `file-${index}` }));
  const sources = (kind: FileMount['kind']): Readonly<Record<string, FileSource>> =>
    Object.fromEntries(files.filter((file) => file.kind === kind).map(({ source, content }) => [source, content]));
  const isNetworked = request.network === 'default';
  return {
    name,
    projectDirectory: '/',
    files: [],
    services: {
      [RUN_SERVICE]: runService(
        request,
        files.map(({ kind, source, target, uid, gid, mode }) => ({ kind, source, target, uid, gid, mode })),
      ),
    },
    networks: isNetworked ? { [NETWORK]: network(name) } : {},
    volumes: {},
    configs: sources('config'),
    secrets: sources('secret'),
    disabledServices: [],
  };
}

function kindOf(secret: boolean): FileMount['kind'] {
  return secret ? 'secret' : 'config';
}

function runService(request: RunRequest, files: readonly FileMount[]): Service {
  const { build, privileged } = request;
  return {
    name: RUN_SERVICE,
    source: { type: 'layers', id: request.chainId },
    replicas: 1,
    labels: {},
    entrypoint: request.argv,
    command: [],
    environment: Object.fromEntries(request.env),
    workingDir: request.workingDir,
    user: request.user,
    groupAdd: [],
    init: false,
    tty: false,
    stdinOpen: false,
    stopGracePeriodMs: 0,
    restart: { condition: 'no' },
    dependsOn: {},
    networkMode: networkMode(request.network),
    networks: request.network === 'default' ? { [NETWORK]: { aliases: [], priority: 0, gatewayPriority: 0 } } : {},
    ports: [],
    expose: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    extraHosts: build.extraHosts,
    mounts: request.mounts,
    files,
    readOnly: false,
    shmSizeBytes: build.shmSizeBytes ?? DEFAULT_SHM_BYTES,
    security: { privileged, capAdd: [], capDrop: [], noNewPrivileges: false, seccomp: 'default', devices: [] },
    ulimits: build.ulimits,
    sysctls: {},
    resources: {},
    namespaces: { pid: 'private', ipc: 'private', uts: 'private', cgroup: 'private', user: 'host', time: 'host' },
    watch: [],
  };
}

function networkMode(network: RunRequest['network']): NetworkMode {
  return network === 'default' ? { type: 'networks' } : { type: network };
}

function network(stack: string): Network {
  return {
    key: NETWORK,
    name: `${stack}_${NETWORK}`,
    driver: 'bridge',
    driverOptions: {},
    external: false,
    internal: false,
    enableIpv4: true,
    enableIpv6: false,
    labels: {},
    ipam: [],
  };
}
