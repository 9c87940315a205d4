import type { ImageInfo } from '../../src/model/image.ts';
import type { ImageSource, Network, NetworkAttachment, Service, Stack, Volume } from '../../src/model/stack.ts';
import type { UpdatePolicy } from '../../src/model/update.ts';

/** A service that runs `sleep`, with everything else as when a file says nothing. */
export function makeService(name: string, overrides: Partial<Service> = {}): Service {
  return {
    name,
    source: { type: 'host' },
    replicas: 1,
    labels: {},
    command: ['sleep', 'infinity'],
    environment: {},
    groupAdd: [],
    init: false,
    tty: false,
    stdinOpen: false,
    stopGracePeriodMs: 10_000,
    restart: { condition: 'no' },
    dependsOn: {},
    networkMode: { type: 'networks' },
    networks: {},
    ports: [],
    expose: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    extraHosts: [],
    mounts: [],
    readOnly: false,
    shmSizeBytes: 64 << 20,
    security: {
      privileged: false,
      capAdd: [],
      capDrop: [],
      noNewPrivileges: false,
      seccomp: 'default',
      devices: [],
    },
    ulimits: {},
    sysctls: {},
    resources: {},
    namespaces: { pid: 'private', ipc: 'private', uts: 'private', cgroup: 'private', user: 'host', time: 'host' },
    watch: [],
    ...overrides,
  };
}

export function makePolicy(overrides: Partial<UpdatePolicy> = {}): UpdatePolicy {
  return {
    parallelism: 1,
    delayMs: 0,
    order: 'stop-first',
    failureAction: 'pause',
    monitorMs: 0,
    maxFailureRatio: 0,
    ...overrides,
  };
}

export function makeAttachment(overrides: Partial<NetworkAttachment> = {}): NetworkAttachment {
  return { aliases: [], priority: 0, gatewayPriority: 0, ...overrides };
}

export function makeNetwork(key: string, overrides: Partial<Network> = {}): Network {
  return {
    key,
    name: `demo_${key}`,
    driver: 'bridge',
    driverOptions: {},
    external: false,
    internal: false,
    enableIpv4: true,
    enableIpv6: false,
    labels: {},
    ipam: [],
    ...overrides,
  };
}

export function makeVolume(key: string, overrides: Partial<Volume> = {}): Volume {
  return { key, name: `demo_${key}`, driver: 'local', driverOptions: {}, external: false, labels: {}, ...overrides };
}

/** The stack `demo` of these services; networks and volumes that they name are declared. */
export function makeStack(services: readonly Service[], overrides: Partial<Stack> = {}): Stack {
  const networks = [...new Set(services.flatMap((service) => Object.keys(service.networks)))].sort();
  const volumes = services.flatMap((service) =>
    service.mounts.flatMap((mount) => (mount.type === 'volume' ? (mount.source ?? []) : [])),
  );
  return {
    name: 'demo',
    projectDirectory: '/srv/demo',
    files: ['/srv/demo/stack.yaml'],
    services: Object.fromEntries(services.map((service) => [service.name, service])),
    networks: Object.fromEntries(networks.map((key) => [key, makeNetwork(key)])),
    volumes: Object.fromEntries([...new Set(volumes)].sort().map((key) => [key, makeVolume(key)])),
    disabledServices: [],
    ...overrides,
  };
}

export const HOST_IMAGE: ImageInfo = {
  id: 'host',
  unpacked: true,
  config: {
    entrypoint: [],
    command: [],
    env: {},
    workingDir: '',
    user: '',
    volumes: [],
    exposedPorts: [],
    labels: {},
  },
};

/** Stands in for the engine's: any function of the source will do. */
export function testImageKey(source: ImageSource): string {
  switch (source.type) {
    case 'host':
      return 'host';
    case 'reference':
      return source.reference;
    case 'rootfs':
      return `rootfs:${source.path}`;
    case 'layers':
      return source.id;
    default:
      return `${source.type}:${source.path}${source.tag === undefined ? '' : `:${source.tag}`}`;
  }
}
