import { ENDPOINT_OPTIONS } from '../../model/network-options.ts';
import type { LinkShape } from '../../model/shape.ts';
import type { Network, NetworkAttachment, NetworkMode, PortMapping, Volume } from '../../model/stack.ts';
import { parseLinkShape } from '../link-shape.ts';
import type { Dict } from '../node.ts';
import { boolAt, defined, dictAt, dictsAt, numberAt, stringsAt, textAt, textsAt } from './read.ts';
import { sharedNamespace } from './sharing.ts';

export function networkMode(service: Dict): NetworkMode {
  const mode = textAt(service, 'network_mode') ?? 'bridge';
  if (mode === 'host' || mode === 'none') return { type: mode };
  return sharedNamespace(mode) ?? { type: 'networks' };
}

/**
 * `network_mode: bridge` is the default network: there is no bridge of the machine's that all stacks share. `written` has
 * what the canonical form has not: `x-shape`.
 */
export function attachments(service: Dict, mode: NetworkMode, written: Dict): Record<string, NetworkAttachment> {
  const result: Record<string, NetworkAttachment> = Object.create(null);
  if (mode.type !== 'networks') return result;
  const networks = dictAt(service, 'networks') ?? { default: null };
  const mac = textAt(service, 'mac_address');
  const primary = primaryNetwork(networks);
  for (const key of Object.keys(networks).sort()) {
    const canonical = dictAt(networks, key) ?? {};
    result[key] = attachment(canonical, key === primary ? mac : undefined, linkShape(written, key));
  }
  return result;
}

/** Where Compose puts the service's own `mac_address`: the highest priority, then the first by name. */
function primaryNetwork(networks: Dict): string | undefined {
  const priority = (key: string) => numberAt(dictAt(networks, key) ?? {}, 'priority') ?? 0;
  return Object.keys(networks)
    .sort()
    .reduce<string | undefined>(
      (best, key) => (best === undefined || priority(key) > priority(best) ? key : best),
      undefined,
    );
}

/** What the service says of one of its networks, else of all of them. `checkLinkShapes` has complained of what is wrong. */
function linkShape(written: Dict, network: string): LinkShape | undefined {
  const own = dictAt(dictAt(dictAt(written, 'networks'), network), 'x-shape') ?? dictAt(written, 'x-shape');
  const shape = own === undefined ? {} : parseLinkShape(own).shape;
  return Object.keys(shape).length === 0 ? undefined : shape;
}

function attachment(from: Dict, serviceMac: string | undefined, shape: LinkShape | undefined): NetworkAttachment {
  const linkLocalIps = textsAt(from, 'link_local_ips');
  const driverOptions = stringsAt(from, 'driver_opts');
  return defined({
    aliases: textsAt(from, 'aliases'),
    ipv4Address: textAt(from, 'ipv4_address'),
    ipv6Address: textAt(from, 'ipv6_address'),
    macAddress: textAt(from, 'mac_address') ?? serviceMac,
    priority: numberAt(from, 'priority') ?? 0,
    gatewayPriority: numberAt(from, 'gw_priority') ?? 0,
    interfaceName: textAt(from, 'interface_name') ?? driverOptions[ENDPOINT_OPTIONS.interfaceName],
    linkLocalIps: linkLocalIps.length === 0 ? undefined : linkLocalIps,
    driverOptions: Object.keys(driverOptions).length === 0 ? undefined : driverOptions,
    shape,
  });
}

export function portMappings(service: Dict): PortMapping[] {
  return dictsAt(service, 'ports').map((port) => {
    const [start, end] = (textAt(port, 'published') ?? '0').split('-').map(Number);
    const published = start === undefined || start === 0 ? undefined : start;
    return defined({
      protocol: (textAt(port, 'protocol') ?? 'tcp').toLowerCase() as PortMapping['protocol'],
      target: numberAt(port, 'target') ?? 0,
      published,
      publishedEnd: published === undefined ? undefined : (end ?? published),
      hostIp: textAt(port, 'host_ip'),
      name: textAt(port, 'name'),
      appProtocol: textAt(port, 'app_protocol'),
    });
  });
}

export function network(key: string, from: Dict): Network {
  return {
    key,
    name: textAt(from, 'name') ?? key,
    driver: textAt(from, 'driver') ?? 'bridge',
    driverOptions: stringsAt(from, 'driver_opts'),
    external: from['external'] === true,
    internal: from['internal'] === true,
    enableIpv4: boolAt(from, 'enable_ipv4') ?? true,
    enableIpv6: boolAt(from, 'enable_ipv6') ?? false,
    labels: stringsAt(from, 'labels'),
    ipam: dictsAt(dictAt(from, 'ipam'), 'config').map((pool) =>
      defined({
        subnet: textAt(pool, 'subnet'),
        ipRange: textAt(pool, 'ip_range'),
        gateway: textAt(pool, 'gateway'),
        auxAddresses: stringsAt(pool, 'aux_addresses'),
      }),
    ),
  };
}

export function volume(key: string, from: Dict): Volume {
  return {
    key,
    name: textAt(from, 'name') ?? key,
    driver: textAt(from, 'driver') ?? 'local',
    driverOptions: stringsAt(from, 'driver_opts'),
    external: from['external'] === true,
    labels: stringsAt(from, 'labels'),
  };
}

/** `HOST=ADDRESS`, as the canonical model has it. */
export function hostEntry(entry: string): { host: string; address: string } {
  const equals = entry.indexOf('=');
  return { host: entry.slice(0, equals), address: entry.slice(equals + 1) };
}
