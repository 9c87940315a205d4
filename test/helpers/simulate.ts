import type { ContainerKey } from '../../src/model/address.ts';
import { replicaName } from '../../src/model/address.ts';
import type { ContainerSpec, Endpoint, NetworkSpec, PublishedPort, VolumeSpec } from '../../src/model/container.ts';
import type { ObservedContainer, ObservedNetwork, ObservedState } from '../../src/model/observed.ts';
import type { Plan, Step, WaitFor } from '../../src/model/plan.ts';
import { hostIpsOverlap } from '../../src/planner/port-claims.ts';

export const EMPTY_STATE: ObservedState = {
  containers: {},
  networks: {},
  volumes: {},
  images: {},
  host: {
    routes: [{ destination: '192.168.7.0/24', device: 'eth0' }],
    listeners: [],
    foreignPorts: [],
    foreignSubnets: [],
    foreignContainerNames: [],
    cgroupVersion: 2,
    cpus: 4,
    memoryBytes: 8 << 30,
  },
};

/** Chooses which of several ready steps comes next: an index below `count`. */
export type Chooser = (count: number) => number;

/**
 * What a machine would be after a plan: steps are taken in any order that their dependencies allow, as `choose` says
 * (default: the plan's own), at most `limit` of them. Throws where a real machine would refuse or a rule of the plan is broken.
 */
export function applyPlan(
  observed: ObservedState,
  plan: Plan,
  choose: Chooser = () => 0,
  limit = plan.steps.length,
): ObservedState {
  const machine = new Machine(observed);
  const waiting = [...plan.steps];
  const done = new Set<string>();
  while (waiting.length > 0 && done.size < limit) {
    const ready = waiting.filter((step) => step.dependsOn.every((id) => done.has(id)));
    const step = ready[choose(ready.length)];
    if (step === undefined) throw new Error(`no step is ready: ${waiting.map(({ id }) => id).join(', ')}`);
    waiting.splice(waiting.indexOf(step), 1);
    machine.perform(step);
    done.add(step.id);
  }
  return machine.observe();
}

class Machine {
  readonly #before: ObservedState;
  readonly #containers: Map<string, ObservedContainer>;
  readonly #networks: Map<string, ObservedNetwork>;
  readonly #volumes: Map<string, VolumeSpec>;
  readonly #images: Map<string, ObservedState['images'][string]>;

  readonly #unmounted: Set<string>;

  constructor(observed: ObservedState) {
    this.#unmounted = new Set(observed.unmountedVolumes);
    this.#before = observed;
    this.#containers = new Map(Object.entries(observed.containers));
    this.#networks = new Map(Object.entries(observed.networks));
    this.#volumes = new Map(Object.entries(observed.volumes));
    this.#images = new Map(Object.entries(observed.images));
  }

  observe(): ObservedState {
    return {
      ...this.#before,
      containers: Object.fromEntries(this.#containers),
      networks: Object.fromEntries(this.#networks),
      volumes: Object.fromEntries(this.#volumes),
      ...(this.#unmounted.size > 0 && { unmountedVolumes: [...this.#unmounted] }),
      images: Object.fromEntries(this.#images),
    };
  }

  perform(step: Step): void {
    switch (step.type) {
      case 'unpack-image':
        for (const [key, image] of this.#images) {
          if (image.id === step.imageId) this.#images.set(key, { ...image, unpacked: true });
        }
        return;
      case 'create-network':
        this.#createNetwork(step.network);
        return;
      case 'remove-network':
        for (const { spec, endpoints } of this.#containers.values()) {
          if (endpoints.some(({ network }) => network === step.network.key)) fail(step, `${spec.name} is on it`);
        }
        if (!this.#networks.delete(step.network.key)) fail(step, 'not there');
        return;
      case 'create-volume':
        if (!this.#mayBeMade(step.volume)) fail(step, 'there already');
        this.#volumes.set(step.volume.name, step.volume);
        return;
      case 'remove-volume':
        for (const { spec } of this.#containers.values()) {
          const used = spec.mounts.some((mount) => mount.type === 'volume' && mount.source === step.volume.name);
          if (used) fail(step, `${spec.name} uses it`);
        }
        this.#volumes.delete(step.volume.name);
        return;
      case 'await-container': {
        const { status, exitCode } = this.#containers.get(replicaName(step.spec.key)) ?? {};
        if (status !== 'exited' || exitCode !== 0) fail(step, `it is ${status ?? 'not there'}`);
        return;
      }
      case 'watch-container':
      case 'drain-container':
      case 'next-batch':
        return;
      case 'switch-container':
        this.#switch(step);
        return;
      default:
        this.#performOnContainer(step);
    }
  }

  #switch({ spec, before }: Step & { readonly type: 'switch-container' }): void {
    const fresh = this.#containers.get(replicaName(spec.key));
    const old = this.#containers.get(replicaName(before.key));
    if (fresh?.status !== 'running' && fresh?.status !== 'exited') throw new Error(`${spec.name} does not run`);
    if (old === undefined || fresh.role !== 'standby') throw new Error(`${spec.name} takes over from nobody`);
    const { role: _, ...own } = fresh;
    this.#containers.set(replicaName(spec.key), own);
    this.#containers.set(replicaName(before.key), { ...old, role: 'retired' });
  }

  #performOnContainer(step: OnContainer): void {
    const name = replicaName(step.spec.key);
    const there = this.#containers.get(name);
    if (step.type === 'create-container') {
      if (there !== undefined) fail(step, 'there already');
      for (const other of this.#containers.values()) {
        if (other.spec.name === step.spec.name && !sameReplica(other, step)) fail(step, 'name taken');
      }
      this.#checkMounts(step);
      this.#checkResources(step);
      const fresh = { health: 'none', oomKilled: false, stoppedByUser: false, restarts: 0, createdAtMs: 0 } as const;
      const { spec, endpoints, ports, role } = step;
      const part = role === undefined ? {} : { role };
      this.#containers.set(name, { ...fresh, ...part, spec, endpoints, ports, status: 'created', drift: [] });
      return;
    }
    if (there === undefined) fail(step, 'not there');
    switch (step.type) {
      case 'update-container': {
        this.#checkResources(step);
        const drift = there.drift.filter(
          ({ kind }) => kind === 'rootfs' || kind === 'mounts' || !step.repair.includes(kind),
        );
        this.#containers.set(name, { ...there, spec: step.spec, endpoints: step.endpoints, ports: step.ports, drift });
        return;
      }
      case 'start-container':
        this.#start(step, there);
        return;
      case 'stop-container':
        if (there.status === 'exited' || there.status === 'created') fail(step, 'not running');
        this.#containers.set(name, { ...there, status: 'exited', exitCode: 143, stoppedByUser: true });
        return;
      case 'remove-container':
        if (there.status === 'running') fail(step, 'still running');
        for (const { spec, status } of this.#containers.values()) {
          if (sharesNetworkOf(spec.networkMode, step.spec.key) && status === 'running') fail(step, 'network is shared');
        }
        this.#containers.delete(name);
    }
  }

  /** It is new, was not mounted, or gets other labels. */
  #mayBeMade({ name, labels }: VolumeSpec): boolean {
    const there = this.#volumes.get(name);
    return this.#unmounted.delete(name) || JSON.stringify(there?.labels) !== JSON.stringify(labels);
  }

  #createNetwork(network: NetworkSpec): void {
    const there = this.#networks.get(network.key);
    for (const { spec } of this.#networks.values()) {
      if (spec.key !== network.key && spec.subnet4 === network.subnet4) throw new Error(`${spec.key}: same subnet`);
    }
    if (there !== undefined && there.spec.subnet4 !== network.subnet4) throw new Error(`${network.key}: other subnet`);
    this.#networks.set(network.key, { spec: network, drift: [] });
  }

  #start(step: Step & { readonly type: 'start-container' }, there: ObservedContainer): void {
    if (there.status === 'running') fail(step, 'already running');
    for (const wait of step.waitFor) this.#checkWait(step, wait);
    const { spec } = there;
    for (const [key, endpoint] of there.endpoints.map((each) => [each.network, each] as const)) {
      if (this.#networks.get(key)?.spec.name !== endpoint.networkName) fail(step, `network ${key} is not there`);
    }
    const { exitCode: _, ...kept } = there;
    const rest = { ...kept, drift: kept.drift.filter(({ kind }) => kind !== 'mounts') };
    // By convention `true` ends at once, with success; everything else runs on, and is healthy.
    const ends = spec.argv[0] === 'true' && spec.restart.condition === 'no';
    const ended: ObservedContainer = { ...rest, status: 'exited', exitCode: 0, stoppedByUser: false };
    const health = spec.healthcheck === undefined ? 'none' : 'healthy';
    const running: ObservedContainer = { ...rest, status: 'running', health, stoppedByUser: false };
    this.#containers.set(replicaName(spec.key), ends ? ended : running);
  }

  #checkWait(step: Step, wait: WaitFor): void {
    for (const index of wait.replicas) {
      const dependency = [...this.#containers.values()].find(
        ({ spec: { key }, role }) => key.service === wait.service && key.index === index && role === undefined,
      );
      const completed = dependency?.status === 'exited' && dependency.exitCode === 0;
      const running = dependency?.status === 'running';
      if (wait.condition === 'service_completed_successfully' ? !completed : !running && !completed) {
        fail(step, `${wait.service}.${index} is ${dependency?.status ?? 'not there'}`);
      }
    }
  }

  #checkMounts(step: Step & { readonly type: 'create-container' }): void {
    for (const mount of step.spec.mounts) {
      if (mount.type === 'volume' && !this.#volumes.has(mount.source ?? '')) fail(step, `no volume ${mount.source}`);
    }
  }

  #checkResources(
    step: Step & { readonly endpoints: readonly Endpoint[]; readonly ports: readonly PublishedPort[] },
  ): void {
    for (const endpoint of step.endpoints) {
      const network = this.#networks.get(endpoint.network);
      if (network?.spec.name !== endpoint.networkName) fail(step, `no network ${endpoint.network}`);
    }
    for (const other of this.#containers.values()) {
      if ('spec' in step && replicaName(other.spec.key) === replicaName((step.spec as { key: ContainerKey }).key))
        continue;
      for (const { ipv4, networkName } of step.endpoints) {
        const same = other.endpoints.some((each) => each.networkName === networkName && each.ipv4 === ipv4);
        if (ipv4 !== undefined && same) fail(step, `${other.spec.name} has ${ipv4}`);
      }
      if ('spec' in step && sameReplica(other, step as never)) continue;
      for (const port of step.ports)
        if (other.ports.some((each) => samePort(each, port))) fail(step, `port ${port.hostPort}`);
    }
  }
}

type OnContainer = Extract<Step, { readonly type: `${'create' | 'update' | 'start' | 'stop' | 'remove'}-container` }>;

function sameReplica(left: { readonly spec: ContainerSpec }, right: { readonly spec: ContainerSpec }): boolean {
  return left.spec.key.service === right.spec.key.service && left.spec.key.index === right.spec.key.index;
}

function samePort(left: PublishedPort, right: PublishedPort): boolean {
  return (
    left.protocol === right.protocol && left.hostPort === right.hostPort && hostIpsOverlap(left.hostIp, right.hostIp)
  );
}

function sharesNetworkOf(mode: ObservedContainer['spec']['networkMode'], key: ContainerKey): boolean {
  return mode.type === 'service' && mode.service === key.service && key.index === 1;
}

function fail(step: Step, why: string): never {
  throw new Error(`cannot ${step.id}: ${why}`);
}
