import { containerAddress, networkAddress } from '../../src/model/address.ts';
import type { ContainerSpec, Endpoint, NetworkSpec } from '../../src/model/container.ts';
import type { Plan, Step, StepType } from '../../src/model/plan.ts';
import type { ContainerRecord } from '../../src/store/records.ts';
import { containerSpec } from './launch-config.ts';

export function plan(steps: readonly Step[]): Plan {
  return { stack: 'demo', changes: [], steps, conflicts: [], warnings: [], orphans: [] };
}

export function spec(service: string, changes: Partial<ContainerSpec> = {}): ContainerSpec {
  const key = { stack: 'demo', service, index: 1 };
  return containerSpec({ key, name: `demo-${service}-1`, networkMode: { type: 'networks' }, ...changes });
}

export function network(key: string, changes: Partial<NetworkSpec> = {}): NetworkSpec {
  return {
    stack: 'demo',
    key,
    name: `demo_${key}`,
    driver: 'bridge',
    driverOptions: {},
    internal: false,
    labels: {},
    bridge: `br-${key}`,
    subnet4: '10.9.0.0/24',
    gateway4: '10.9.0.1',
    reserved4: [],
    ...changes,
  };
}

/** `web` on a network: its address ends with `host`. */
export function endpoint(key: string, host: number, changes: Partial<Endpoint> = {}): Endpoint {
  return {
    network: key,
    networkName: `demo_${key}`,
    bridge: `br-${key}`,
    hostInterface: `ve-${key}-${host}`,
    containerInterface: `eth-${key}`,
    ipv4: `10.9.0.${host}/24`,
    names: ['web'],
    ...changes,
  };
}

export function record(of: ContainerSpec, changes: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    key: of.key,
    spec: of,
    endpoints: [],
    ports: [],
    createdAtMs: 1,
    run: 1,
    oomKilled: false,
    oomKillsBefore: 0,
    stoppedByUser: false,
    restarts: 0,
    ...changes,
  };
}

/** A step on a container of its own words: `create web`, after the steps that are named. */
export function containerStep(
  type: Extract<StepType, `${'create' | 'start' | 'stop' | 'remove'}-container`>,
  of: ContainerSpec,
  ...dependsOn: readonly string[]
): Step {
  const { service, index } = of.key;
  const base = { id: `${type.split('-')[0]} ${service}`, address: containerAddress(service, index), cause: 'test' };
  const made = { ...base, dependsOn, spec: of };
  switch (type) {
    case 'create-container':
      return { ...made, type, endpoints: [], ports: [] };
    case 'start-container':
      return { ...made, type, waitFor: [] };
    case 'stop-container':
      return { ...made, type, timeoutMs: 10 };
    case 'remove-container':
      return { ...made, type, endpoints: [], ports: [], keepVolumes: true };
  }
}

export function networkStep(
  type: 'create-network' | 'remove-network',
  of: NetworkSpec,
  ...dependsOn: readonly string[]
): Step {
  const id = `${type.split('-')[0]} network ${of.key}`;
  return { type, id, address: networkAddress(of.key), cause: 'test', dependsOn, network: of };
}
