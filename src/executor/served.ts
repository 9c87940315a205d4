import { machineName } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import type { Served, ServedContainer, ServedNetwork, ServedPort } from '../model/served.ts';
import { withoutPrefix } from '../network/cidr.ts';
import { hostGateways } from '../network/names.ts';
import { relayTargets, rootlessTargets } from '../network/ports.ts';
import type { ContainerRecord, Records } from '../store/records.ts';

/** What is known of the machine by the process that answers while the daemon is away; `rootless`: see `Serving`. */
export function served({ containers, networks }: Pick<Records, 'containers' | 'networks'>, rootless = false): Served {
  const relayed = rootless ? rootlessTargets : relayTargets;
  const internal = new Set(
    networks
      .all()
      .filter((network) => network.internal)
      .map(({ name }) => name),
  );
  const asking = containers.all().filter(({ spec }) => spec.networkMode.type === 'networks');
  return {
    networks: networks
      .all()
      .map(servedNetwork)
      .filter(({ gateways }) => gateways.length > 0),
    containers: Object.fromEntries(
      asking.map((record) => [machineName(record.key), servedContainer(record, internal)]),
    ),
    relays: asking.filter(isRunning).flatMap(({ ports, endpoints }) => relayed(ports, endpoints)),
  };
}

function servedNetwork({ name, bridge, overlay, gateway4, gateway6, subnet4, subnet6 }: NetworkSpec): ServedNetwork {
  const present = (...values: readonly (string | undefined)[]) => values.filter((value) => value !== undefined);
  return {
    name,
    // The gateway of a macvlan is a machine beside this one.
    gateways: bridge === undefined ? [] : present(gateway4, gateway6),
    subnets: present(subnet4, subnet6),
    ...(overlay !== undefined && { peers: overlay.gateways }),
  };
}

function servedContainer(record: ContainerRecord, internal: ReadonlySet<string>): ServedContainer {
  const { spec, endpoints } = record;
  return {
    name: spec.name,
    running: isRunning(record),
    places: endpoints.map(({ networkName, ipv4, ipv6, names }) => ({
      network: networkName,
      addresses: [ipv4, ipv6].flatMap((address) => (address === undefined ? [] : withoutPrefix(address))),
      names,
    })),
    hostname: spec.hostname,
    domainname: spec.domainname,
    extraHosts: spec.extraHosts.map(({ host, address }) => ({
      host,
      addresses: address === 'host-gateway' ? hostGateways(spec, endpoints) : [address],
    })),
    dns: spec.dns,
    forwards: endpoints.some(({ networkName }) => !internal.has(networkName)),
    ports: servedPorts(record),
  };
}

/** Whether anybody is there who could ask. */
export function anyRuns({ containers }: Pick<Records, 'containers'>): boolean {
  return containers.all().some(({ run, finishedAtMs }) => run > 0 && finishedAtMs === undefined);
}

/** From its start on; one that is to take another's place: when it has. */
function isRunning({ role, run, finishedAtMs }: ContainerRecord): boolean {
  return role === undefined && run > 0 && finishedAtMs === undefined;
}

/** By their number, and by what the stack file calls them. */
function servedPorts({ spec }: ContainerRecord): readonly ServedPort[] {
  const published = spec.ports.map(({ protocol, target, name, appProtocol }) => ({
    names: [String(target), name, appProtocol].flatMap((each) => each?.toLowerCase() ?? []),
    protocol,
    port: target,
  }));
  return [...published, ...(spec.expose ?? []).flatMap(exposedPorts)];
}

/** `80`, `53/udp`, `8000-8010`. */
function exposedPorts(text: string): readonly ServedPort[] {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/([a-z]+))?$/i.exec(text) ?? [];
  const count = Math.min(0x10000, Number(last) - Number(first) + 1);
  return Array.from({ length: first === '' ? 0 : Math.max(0, count) }, (_, index) => {
    const port = Number(first) + index;
    return { names: [String(port)], protocol: protocol.toLowerCase(), port };
  });
}
