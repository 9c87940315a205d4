import fc from 'fast-check';
import type { Dependency, NetworkMode, PortMapping, Service, Stack } from '../../src/model/stack.ts';
import { makeAttachment, makeNetwork, makePolicy, makeService, makeStack, makeVolume } from './stacks.ts';

const NAMES = ['alpha', 'beta', 'delta', 'gamma', 'omega'] as const;
const NETWORKS = ['back', 'front', 'side'] as const;

/** Small stacks in which names, ports, networks and addresses often meet. Dependencies go to names further down only. */
export function arbitraryStack(): fc.Arbitrary<Stack> {
  return fc
    .record({
      services: fc
        .subarray([...NAMES], { minLength: 0 })
        .chain((names) => fc.tuple(...names.map((name, index) => arbitraryService(name, names.slice(0, index))))),
      subnets: fc.record({ back: arbitrarySubnet(), front: arbitrarySubnet(), side: arbitrarySubnet() }),
      internal: fc.subarray([...NETWORKS]),
      disabled: fc.subarray([...NAMES], { maxLength: 1 }),
    })
    .map(({ services, subnets, internal, disabled }) => {
      const stack = makeStack(services);
      return {
        ...stack,
        networks: Object.fromEntries(
          Object.keys(stack.networks).map((key) => {
            const subnet = subnets[key as keyof typeof subnets];
            const ipam = subnet === undefined ? [] : [{ subnet, auxAddresses: {} }];
            return [key, makeNetwork(key, { ipam, internal: internal.includes(key as 'back') })];
          }),
        ),
        volumes: Object.fromEntries(Object.keys(stack.volumes).map((key) => [key, makeVolume(key)])),
        disabledServices: disabled.filter((name) => stack.services[name] === undefined),
      };
    });
}

/** An edit: some services as in `next`, the others as they were; what they name is declared as in `before` if it was. */
export function editStack(before: Stack, next: Stack, edited: readonly string[]): Stack {
  const names = new Set([...Object.keys(before.services), ...Object.keys(next.services)]);
  const picked = [...names].sort().flatMap((name) => (edited.includes(name) ? next : before).services[name] ?? []);
  const present = new Set(picked.map(({ name }) => name));
  const services = picked.map((service): Service => {
    const gone = service.networkMode.type === 'service' && !present.has(service.networkMode.service);
    const dependencies = Object.entries(service.dependsOn).filter(([dependency]) => present.has(dependency));
    return {
      ...service,
      dependsOn: Object.fromEntries(dependencies),
      ...(gone && { networkMode: { type: 'networks' } as const }),
    };
  });
  const stack = makeStack(services);
  return {
    ...stack,
    networks: Object.fromEntries(
      Object.entries(stack.networks).map(([key, network]) => [
        key,
        before.networks[key] ?? next.networks[key] ?? network,
      ]),
    ),
  };
}

/** Names of services to edit, and of none. */
export function arbitraryNames(): fc.Arbitrary<readonly string[]> {
  return fc.subarray([...NAMES], { maxLength: 2 });
}

function arbitrarySubnet(): fc.Arbitrary<string | undefined> {
  return fc.constantFrom(
    undefined,
    undefined,
    undefined,
    undefined,
    '10.200.1.0/24',
    '10.200.2.0/24',
    '10.200.3.0/24',
    '10.200.0.0/22',
  );
}

function arbitraryService(name: string, earlier: readonly string[]): fc.Arbitrary<Service> {
  return fc
    .record({
      replicas: fc.constantFrom(1, 1, 1, 2, 3, 0),
      argv: fc.constantFrom(['sleep', 'infinity'], ['server'], ['true']),
      memoryBytes: fc.constantFrom(1 << 20, 1 << 21),
      healthy: fc.boolean(),
      containerName: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 'fixed', 'other'),
      dependencies: fc.subarray([...earlier]),
      restart: fc.boolean(),
      update: fc.constantFrom(undefined, undefined, undefined, 'stop-first' as const, 'start-first' as const),
      parallelism: fc.constantFrom(0, 1, 1, 2),
      networks: fc.subarray([...NETWORKS]),
      address: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, '10.200.1.7', '10.200.1.8'),
      priority: fc.constantFrom(0, 0, 5),
      ports: fc.array(arbitraryPort(), { maxLength: 2 }),
      volume: fc.constantFrom(undefined, 'data', 'cache', ''),
      mode: fc.constantFrom('networks', 'networks', 'networks', 'host', 'service') as fc.Arbitrary<NetworkMode['type']>,
    })
    .map((wanted) => {
      const owner = earlier[0];
      const networkMode: NetworkMode =
        wanted.mode === 'service' && owner !== undefined
          ? { type: 'service', service: owner }
          : wanted.mode === 'host'
            ? { type: 'host' }
            : { type: 'networks' };
      const own = networkMode.type === 'networks';
      const dependency: Dependency = { condition: 'service_started', required: true, restart: wanted.restart };
      return makeService(name, {
        replicas: wanted.replicas,
        command: wanted.argv,
        resources: { memoryBytes: wanted.memoryBytes },
        ...(wanted.healthy && { healthcheck: HEALTHCHECK }),
        ...(wanted.containerName !== undefined && wanted.replicas < 2 && { containerName: wanted.containerName }),
        dependsOn: Object.fromEntries(wanted.dependencies.map((service) => [service, dependency])),
        ...(wanted.update !== undefined && {
          update: makePolicy({ order: wanted.update, parallelism: wanted.parallelism }),
          rollback: makePolicy(),
        }),
        networkMode,
        networks: Object.fromEntries(
          (own ? wanted.networks : []).map((key) => [
            key,
            makeAttachment({
              priority: wanted.priority,
              ...(key === 'back' &&
                wanted.address !== undefined &&
                wanted.replicas < 2 && { ipv4Address: wanted.address }),
            }),
          ]),
        ),
        ports: own ? wanted.ports : [],
        mounts:
          wanted.volume === undefined
            ? []
            : [
                {
                  type: 'volume',
                  ...(wanted.volume !== '' && { source: wanted.volume }),
                  target: '/data',
                  readOnly: false,
                  nocopy: false,
                },
              ],
      });
    });
}

const HEALTHCHECK = {
  test: ['true'],
  intervalMs: 1000,
  timeoutMs: 1000,
  retries: 3,
  startPeriodMs: 0,
  startIntervalMs: 100,
};

function arbitraryPort(): fc.Arbitrary<PortMapping> {
  return fc
    .record({ target: fc.constantFrom(80, 443), host: fc.constantFrom('none', 'fixed', 'range', 'local') })
    .chain(({ target, host }): fc.Arbitrary<PortMapping> => {
      if (host === 'none') return fc.constant({ protocol: 'tcp', target });
      if (host === 'range') return fc.constant({ protocol: 'tcp', target, published: 8080, publishedEnd: 8089 });
      const port = fc.integer({ min: 8080, max: 8099 });
      const hostIp = host === 'local' ? { hostIp: '127.0.0.1' } : {};
      return port.map((published) => ({ protocol: 'tcp', target, published, publishedEnd: published, ...hostIp }));
    });
}
