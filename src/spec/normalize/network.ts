import type { Network, NetworkAttachment, NetworkMode, PortMapping, Volume } from '../../model/stack.ts';
import { type Dict, isDict } from '../node.ts';
import { boolAt, defined, dictAt, dictsAt, numberAt, stringsAt, textAt, textsAt } from './read.ts';

export function networkMode(service: Dict): NetworkMode {
  const mode = textAt(service, 'network_mode') ?? 'bridge';
  if (mode === 'host' || mode === 'none') return { type: mode };
  const [kind, name = ''] = split(mode);
  if (kind === 'service') return { type: 'service', service: name };
  if (kind === 'container') return { type: 'container', container: name };
  return { type: 'networks' };
}

function split(text: string): [string, string | undefined] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** `network_mode: bridge` is the default network: there is no bridge of the machine's that all stacks share. */
export function attachments(service: Dict, mode: NetworkMode): Record<string, NetworkAttachment> {
  const result: Record<string, NetworkAttachment> = Object.create(null);
  if (mode.type !== 'networks') return result;
  const networks = dictAt(service, 'networks') ?? { default: null };
  const mac = textAt(service, 'mac_address');
  const primary = primaryNetwork(networks);
  for (const key of Object.keys(networks).sort()) {
    const written = networks[key];
    result[key] = attachment(isDict(written) ? written : {}, key === primary ? mac : undefined);
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

function attachment(from: Dict, serviceMac: string | undefined): NetworkAttachment {
  return defined({
    aliases: textsAt(from, 'aliases'),
    ipv4Address: textAt(from, 'ipv4_address'),
    ipv6Address: textAt(from, 'ipv6_address'),
    macAddress: textAt(from, 'mac_address') ?? serviceMac,
    priority: numberAt(from, 'priority') ?? 0,
    gatewayPriority: numberAt(from, 'gw_priority') ?? 0,
    interfaceName: textAt(from, 'interface_name'),
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
