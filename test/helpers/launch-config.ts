import type { ContainerSpec } from '../../src/model/container.ts';
import type { Security } from '../../src/model/limits.ts';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import type { KernelFacts } from '../../src/runtime/kernel-facts.ts';
import { containerPaths, DEFAULT_PATHS } from '../../src/store/paths.ts';

export const SECURITY: Security = {
  privileged: false,
  capAdd: [],
  capDrop: [],
  noNewPrivileges: false,
  seccomp: 'default',
  devices: [],
};

/** A container's specification with nothing said that need not be. */
export function containerSpec(changes: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    key: { stack: 'demo', service: 'web', index: 1 },
    name: 'demo-web-1',
    image: { source: { type: 'rootfs', path: '/images/busybox' }, id: 'dir:/images/busybox' },
    labels: {},
    argv: ['/bin/true'],
    env: {},
    workingDir: '/',
    user: '',
    groupAdd: [],
    hostname: 'web',
    domainname: '',
    init: false,
    tty: false,
    stdinOpen: false,
    stopSignal: 'SIGTERM',
    stopGracePeriodMs: 10_000,
    restart: { condition: 'no' },
    dependsOn: {},
    networkMode: { type: 'none' },
    networks: {},
    ports: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    extraHosts: [],
    mounts: [],
    readOnly: false,
    shmSizeBytes: 67_108_864,
    security: SECURITY,
    ulimits: {},
    sysctls: {},
    resources: {},
    namespaces: {
      pid: 'private',
      ipc: 'private',
      uts: 'private',
      cgroup: 'private',
      user: 'host',
      time: 'host',
    },
    ...changes,
  };
}

/** A machine with cgroup v1 that never was. */
export const FACTS: KernelFacts = {
  arch: 'x86_64',
  version: [6, 1],
  lastCapability: 40,
  boundingSet: '1ffffffffff',
  maskedPaths: [
    { path: '/proc/kcore', type: 'file' },
    { path: '/sys/firmware', type: 'directory' },
  ],
  hardLimits: { nofile: -1, core: -1 },
  cgroupVersion: 1,
  cgroupMounts: [
    { path: '/sys/fs/cgroup/cpu,cpuacct', options: 'cpu,cpuacct' },
    { path: '/sys/fs/cgroup/devices', options: 'devices' },
    { path: '/sys/fs/cgroup/pids', options: 'pids' },
    { path: '/sys/fs/cgroup/systemd', options: 'name=systemd' },
  ],
  labels: {},
};

export function launchConfig(changes: Partial<LaunchConfig> = {}): LaunchConfig {
  return {
    spec: containerSpec(),
    run: 1,
    rootfs: { lower: ['/images/top', '/images/base'], overlays: [] },
    mounts: [],
    identity: { uid: 0, gid: 0, groups: [0], home: '/root' },
    paths: containerPaths(DEFAULT_PATHS, { stack: 'demo', service: 'web', index: 1 }),
    network: { type: 'path', path: '/run/netns/ts-demo.web.1' },
    cgroupJoinFiles: [
      '/sys/fs/cgroup/cpu,cpuacct/tsstack/demo/web.1/cgroup.procs',
      '/sys/fs/cgroup/pids/tsstack/demo/web.1/cgroup.procs',
    ],
    kernel: FACTS,
    ...changes,
  };
}
