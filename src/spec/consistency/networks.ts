import { at, type Context, complain, rootPlace } from '../canonical/context.ts';
import { isDict } from '../node.ts';
import { checkLinkOptions } from './attachment.ts';
import { type CheckInput, keysOf, type ServiceAt, servicesOf } from './input.ts';
import { addressInside, type Pools, poolsOf, type Subnet } from './subnets.ts';
import { replicasOf } from './values.ts';
import { checkAttachmentWords } from './words.ts';

/** Subnets: valid, not overlapping inside the stack; static addresses inside them and used once. */
export function checkNetworks(input: CheckInput, context: Context): void {
  const pools = new Map<string, Pools>();
  const networks = input.model['networks'];
  const parent = at(rootPlace(context), 'networks');
  for (const [name, network] of Object.entries(isDict(networks) ? networks : {})) {
    if (isDict(network)) pools.set(name, poolsOf(name, network, at(parent, name)));
  }
  if ([...pools.values()].some(({ subnets }) => subnets.length > 0)) {
    const off = disabledNetworks(input, context);
    checkOverlap([...pools].flatMap(([name, { subnets }]) => (off.has(name) ? [] : subnets)));
  }
  checkAddresses(input, pools);
}

/** Networks that only services use which a profile switches off: they are not made, and may overlap. */
function disabledNetworks(input: CheckInput, context: Context): ReadonlySet<string> {
  const off = new Set(servicesOf(input.all, context).flatMap(({ service }) => keysOf(service['networks'])));
  for (const { service } of input.services) {
    for (const name of keysOf(service['networks'])) off.delete(name);
  }
  return off;
}

/** Sorted by start, every overlap is with a neighbour or a subnet that reaches that far: one pass. */
function checkOverlap(subnets: readonly Subnet[]): void {
  const order = new Map(subnets.map((subnet, index) => [subnet, index]));
  for (const bits of [32, 128]) {
    const sorted = subnets
      .filter((each) => each.bits === bits)
      .sort((left, right) => (left.first < right.first ? -1 : left.first > right.first ? 1 : 0));
    let reaching: Subnet | undefined;
    for (const subnet of sorted) {
      if (reaching !== undefined && subnet.first <= reaching.last) {
        const isLater = (order.get(subnet) ?? 0) > (order.get(reaching) ?? 0);
        complainOverlap(isLater ? [reaching, subnet] : [subnet, reaching]);
      }
      if (reaching === undefined || subnet.last > reaching.last) reaching = subnet;
    }
  }
}

function complainOverlap([before, subnet]: readonly [Subnet, Subnet]): void {
  const { text, network, place } = subnet;
  const of = network === before.network ? 'the same network' : `"${before.network}"`;
  complain(place, {
    code: 'conflict.subnet',
    message: `subnet ${text} of the network "${network}" overlaps ${before.text} of ${of}`,
    hint: 'write another subnet, or leave it out to have a free one chosen',
  });
}

/** Who has an address of a network: services, and the network itself. */
type Holders = Map<string, string>;

function checkAddresses(input: CheckInput, pools: ReadonlyMap<string, Pools>): void {
  const holders: Holders = new Map();
  for (const [network, { reserved }] of pools) {
    for (const { address, what } of reserved) holders.set(`${network} ${address.bits} ${address.value}`, what);
  }
  for (const each of input.services) {
    const attached = each.service['networks'];
    for (const network of keysOf(attached)) checkAttachment(each, network, { pools, holders });
  }
}

function checkAttachment(
  { name, service, place }: ServiceAt,
  network: string,
  { pools, holders }: { pools: ReadonlyMap<string, Pools>; holders: Holders },
): void {
  const attachment = isDict(service['networks']) ? service['networks'][network] : undefined;
  if (!isDict(attachment)) return;
  checkLinkOptions(attachment, at(at(place, 'networks'), network));
  checkAttachmentWords(attachment, at(at(place, 'networks'), network));
  for (const key of ['ipv4_address', 'ipv6_address']) {
    const written = attachment[key];
    const where = at(at(at(place, 'networks'), network), key);
    const address = addressInside(written, pools.get(network)?.subnets ?? [], where);
    if (address === undefined || replicasOf(service) === 0) continue;
    const holder = `${network} ${address.bits} ${address.value}`;
    const other = holders.get(holder);
    if (other === undefined) holders.set(holder, `the service "${name}"`);
    const replicas = replicasOf(service);
    if (other === undefined && replicas <= 1) continue;
    const who = other === undefined ? `the ${replicas} replicas of "${name}"` : `the service "${name}" and ${other}`;
    complain(where, {
      severity: other === undefined ? 'warning' : 'error',
      code: 'conflict.address',
      message: `${who} have the same address ${String(written)} on "${network}"`,
      hint: 'write another address, or leave it out to have a free one chosen',
    });
  }
}
