import ipaddr from 'ipaddr.js';
import { at, complain, type Place } from '../canonical/context.ts';
import type { Dict } from '../node.ts';
import { type CheckInput, checkServices, dictsOf, partPlace, placeOf, type ServiceAt } from './input.ts';
import { isEvery, isV4, type PortClaim } from './port-claim.ts';
import { checkRanges } from './port-ranges.ts';
import { replicasOf } from './values.ts';

/** Host ports that cannot all be had: a port wanted twice, a range with fewer ports than users. */
export function checkHostPorts(input: CheckInput): void {
  const byProtocol = new Map<string, PortClaim[]>();
  const collect = (each: ServiceAt): void => {
    if (!publishes(each)) return;
    const claims = dictsOf(each.service['ports']).flatMap((port) => claimOf(port, each) ?? []);
    checkReplicas(each, claims);
    for (const claim of claims) {
      const others = byProtocol.get(claim.protocol);
      if (others === undefined) byProtocol.set(claim.protocol, [claim]);
      else others.push(claim);
    }
  };
  checkServices(input, [{ keys: ['ports'], check: collect }]);
  for (const claims of byProtocol.values()) {
    checkSingles(claims.filter(({ first, last }) => first === last));
    checkRanges(claims);
  }
}

/** A service in another network namespace publishes nothing, one without replicas neither. */
function publishes({ service }: ServiceAt): boolean {
  const mode = service['network_mode'];
  if (replicasOf(service) === 0) return false;
  return typeof mode !== 'string' || !/^(host|none)$|^(service|container):/.test(mode);
}

function claimOf(port: Dict, { name, place }: ServiceAt): PortClaim | undefined {
  const { published, host_ip: hostIp } = port;
  if (typeof published !== 'string') return undefined;
  const [first = 0, last = first] = published.split('-').map(Number);
  // From 0 on any port of the machine will do.
  if (first === 0) return undefined;
  return {
    service: name,
    hostIp: typeof hostIp === 'string' ? spelling(hostIp) : '',
    protocol: String(port['protocol']).toLowerCase(),
    first,
    last,
    place: placeOf(port, at(place, 'ports')),
  };
}

/** An IPv6 address has many spellings. */
function spelling(address: string): string {
  return address.includes(':') && ipaddr.isValid(address) ? ipaddr.parse(address).toString() : address;
}

function checkSingles(claims: readonly PortClaim[]): void {
  const holders = new Map<number, Holders>();
  const clashes = new Map<Place, Set<Place>>();
  for (const claim of claims) {
    const of = holders.get(claim.first) ?? new Holders();
    const other = of.find(claim.hostIp);
    if (other !== undefined && isNew(clashes, other, claim)) complainTwice(other, claim);
    of.add(claim);
    holders.set(claim.first, of);
  }
}

/** Two ranges that were written out clash in many ports, and are complained of once. */
function isNew(clashes: Map<Place, Set<Place>>, other: PortClaim, claim: PortClaim): boolean {
  const known = clashes.get(claim.place) ?? new Set();
  clashes.set(claim.place, known);
  return !known.has(other.place) && known.add(other.place) !== undefined;
}

function complainTwice(other: PortClaim, claim: PortClaim): void {
  const same = other.service === claim.service;
  const who = same
    ? `the service "${claim.service}" publishes`
    : `the services "${other.service}" and "${claim.service}" both publish`;
  complain(partPlace(claim.place, 'published'), {
    code: 'conflict.port',
    message: `${who} the host port ${claim.first}/${claim.protocol}${same ? ' twice' : ''}`,
    hint: same ? 'take one of them out, or give it another host port' : 'give one of them another host port',
  });
}

/** Who has one port, by host address: found in one step, however many addresses there are. */
class Holders {
  readonly #byIp = new Map<string, PortClaim>();
  #v4: PortClaim | undefined;

  add(claim: PortClaim): void {
    if (!this.#byIp.has(claim.hostIp)) this.#byIp.set(claim.hostIp, claim);
    if (isV4(claim.hostIp)) this.#v4 ??= claim;
  }

  /** Somebody whose address overlaps this one: none and `::` are all addresses, `0.0.0.0` all of IPv4. */
  find(hostIp: string): PortClaim | undefined {
    if (isEvery(hostIp)) return this.#byIp.values().next().value;
    const every = this.#byIp.get('') ?? this.#byIp.get('::');
    if (hostIp === '0.0.0.0') return every ?? this.#v4;
    return every ?? this.#byIp.get(hostIp) ?? (isV4(hostIp) ? this.#byIp.get('0.0.0.0') : undefined);
  }
}

/** A warning: files written for a swarm, where all replicas are behind one port, say this, and load. */
function checkReplicas({ name, service }: ServiceAt, claims: readonly PortClaim[]): void {
  const replicas = replicasOf(service);
  if (replicas <= 1) return;
  const tight = claims.find(({ first, last }) => last - first + 1 < replicas);
  if (tight === undefined) return;
  const { first, last, protocol, place } = tight;
  const ports = first === last ? `one host port, ${first}` : `${last - first + 1} host ports, ${first}-${last}`;
  complain(partPlace(place, 'published'), {
    severity: 'warning',
    code: 'conflict.port',
    message: `the service "${name}" has ${replicas} replicas and ${ports}/${protocol}: each replica needs its own`,
    hint: `publish a range of ${replicas} ports, or leave the host port out to have free ones chosen`,
  });
}
