import ipaddr from 'ipaddr.js';
import { InvalidStackError, TsstackError } from '../model/error.ts';
import type { ConnectionOptions, NetworkOptions } from '../model/network.ts';
import type { Network, NetworkAttachment, Stack } from '../model/stack.ts';
import { formatBlock, parseBlock } from '../network/cidr.ts';
import { isInside } from '../network/ipam.ts';
import { type LoadResult, loadStack } from '../spec/load.ts';

/** What was wanted, as a stack file with nothing else in it would say it. */
export interface Wanted<Value> {
  readonly value: Value;
  readonly stack: Stack;
  /** What has no effect, each a sentence. */
  readonly warnings: readonly string[];
}

/**
 * A network that options describe. They go through all that a stack file goes through: the same checks, defaults and
 * drivers. Throws `usage`.
 */
export function wantedNetwork(options: NetworkOptions): Wanted<Network> {
  const { name, driver, internal, ipamDriver, driverOptions, labels, ipamOptions } = options;
  const config = pools(options);
  const ipv6 = options.ipv6 ?? config.some(({ subnet }) => subnet?.includes(':'));
  const ipam = {
    ...(config.length > 0 && { config }),
    ...(ipamDriver !== undefined && { driver: ipamDriver }),
    ...(Object.keys(ipamOptions).length > 0 && { options: ipamOptions }),
  };
  const network = {
    name,
    ...(driver !== undefined && { driver }),
    ...(internal && { internal }),
    ...(options.ipv4 === false && { enable_ipv4: false }),
    ...(ipv6 && { enable_ipv6: true }),
    ...(Object.keys(ipam).length > 0 && { ipam }),
    driver_opts: driverOptions,
    labels,
  };
  const loaded = load({ services: {}, networks: { [name]: network } });
  const value = loaded.stack.networks[name];
  if (value === undefined) throw new TsstackError('usage', `"${name}" is no name of a network`);
  return wanted(loaded, value);
}

/** How a container is to be connected; undefined: nothing was said of it. Throws `usage`. */
export function wantedAttachment(name: string, options: ConnectionOptions): Wanted<NetworkAttachment | undefined> {
  const { ip, ip6, aliases, linkLocalIps, driverOptions, gatewayPriority } = options;
  const attachment = {
    ...(ip !== undefined && { ipv4_address: ip }),
    ...(ip6 !== undefined && { ipv6_address: ip6 }),
    ...(aliases.length > 0 && { aliases }),
    ...(linkLocalIps.length > 0 && { link_local_ips: linkLocalIps }),
    ...(Object.keys(driverOptions).length > 0 && { driver_opts: driverOptions }),
    ...(gatewayPriority !== undefined && { gw_priority: gatewayPriority }),
  };
  const loaded = load({
    services: { container: { command: ['true'], networks: { [name]: attachment } } },
    networks: { [name]: { external: true, name } },
  });
  const value = loaded.stack.services['container']?.networks[name];
  return wanted(loaded, Object.keys(attachment).length === 0 ? undefined : value);
}

function wanted<Value>({ stack, diagnostics }: LoadResult, value: Value): Wanted<Value> {
  return { value, stack, warnings: diagnostics.map(({ message }) => inOptions(message)) };
}

function load(file: object): LoadResult {
  // The text is no template: `$` stands for itself.
  const stdin = JSON.stringify(file).replaceAll('$', '$$$$');
  // In this directory there is no file of variables.
  const request = { files: ['-'], stdin, cwd: '/proc/self/fdinfo', env: {}, envFiles: [], profiles: [], services: [] };
  try {
    return loadStack({ ...request, projectName: 'network', allResources: true });
  } catch (error) {
    if (!(error instanceof InvalidStackError)) throw error;
    const [first, ...more] = error.diagnostics.filter(({ severity }) => severity === 'error');
    const messages = [first, ...more].flatMap((each) => (each === undefined ? [] : inOptions(each.message)));
    throw new TsstackError('usage', messages.join('; '), { hint: first?.hint });
  }
}

/** Options by the keys of a stack file that they become. */
const OPTIONS: readonly (readonly [RegExp, string])[] = [
  [/^subnet$/, '--subnet'],
  [/^gateway$/, '--gateway'],
  [/^ip_range$/, '--ip-range'],
  [/^aux_addresses/, '--aux-address'],
  [/^driver_opts/, '--opt'],
  [/^driver$/, '--driver'],
  [/^labels/, '--label'],
  [/^ipv4_address$/, '--ip'],
  [/^ipv6_address$/, '--ip6'],
  [/^aliases/, '--alias'],
  [/^link_local_ips/, '--link-local-ip'],
  [/^gw_priority$/, '--gw-priority'],
];

/** What is said of a place of the file, said of the option that it comes from. */
function inOptions(message: string): string {
  return message.replaceAll(/\b(?:services\.container\.)?networks\.[^\s:]+/g, (place) => {
    if (/\.ipam\.driver$/.test(place)) return '--ipam-driver';
    if (/\.ipam\.options/.test(place)) return '--ipam-opt';
    if (/^services.*\.driver_opts/.test(place)) return '--driver-opt';
    const words = place.split(/[.[]/);
    const found = words.flatMap((word) => OPTIONS.find(([key]) => key.test(word))?.[1] ?? []).at(-1);
    return found ?? place;
  });
}

interface Pool {
  readonly subnet: string;
  gateway?: string;
  ip_range?: string;
  aux_addresses?: Record<string, string>;
}

/** Gateways, ranges and reserved addresses go to the subnet that they are in, as in Docker. */
function pools({ subnets, gateways, ipRanges, auxAddresses }: NetworkOptions): readonly Pool[] {
  const list = subnets.map((subnet): Pool => ({ subnet: plainSubnet(subnet) }));
  const poolOf = (option: string, text: string): Pool => {
    const address = text.split('/', 1)[0] ?? '';
    const found = list.find(
      ({ subnet }) => ipaddr.isValidCIDR(subnet) && ipaddr.isValid(address) && isInside(address, subnet),
    );
    // One that is in none of them is complained of by who reads the file.
    const pool = found ?? list[0];
    if (pool !== undefined) return pool;
    throw new TsstackError('usage', `Option --${option} ${text} needs the --subnet that it is in`);
  };
  const once = (option: string, key: 'gateway' | 'ip_range', text: string): void => {
    const pool = poolOf(option, text);
    if (pool[key] !== undefined) {
      throw new TsstackError('usage', `Subnet ${pool.subnet} has two --${option}: ${pool[key]} and ${text}`);
    }
    pool[key] = text;
  };
  for (const text of gateways) once('gateway', 'gateway', text);
  for (const text of ipRanges) once('ip-range', 'ip_range', text);
  for (const [name, text] of Object.entries(auxAddresses)) {
    const pool = poolOf('aux-address', text);
    pool.aux_addresses = { ...pool.aux_addresses, [name]: text };
  }
  return list;
}

/** Without bits behind its prefix, as the kernel shows it. */
function plainSubnet(text: string): string {
  return ipaddr.isValidCIDR(text) ? formatBlock(parseBlock(text)) : text;
}
