import { complain } from '../canonical/context.ts';
import { partPlace } from './input.ts';
import { covers, type PortClaim } from './port-claim.ts';

/** Of more host addresses the rest is left to the plan. */
const mostAddresses = 64;
const lastPort = 65_535;

/**
 * Ranges for which no port can be left, whatever is chosen. Claims that take a port on the same address exclude each
 * other, so they need a port each; handing out, by the end of the ranges, the lowest free port of each finds a way if
 * there is one (an earliest deadline first schedule of unit jobs). `claims` are those of one protocol.
 */
export function checkRanges(claims: readonly PortClaim[]): void {
  if (claims.every(({ first, last }) => first === last)) return;
  const addresses = new Set(claims.map(({ hostIp }) => hostIp));
  const reported = new Set<PortClaim>();
  for (const address of [...addresses].slice(0, mostAddresses)) {
    handOut(
      claims.filter(({ hostIp }) => covers(hostIp, address)),
      reported,
    );
  }
}

function handOut(claims: readonly PortClaim[], reported: Set<PortClaim>): void {
  if (claims.every(({ first, last }) => first === last)) return;
  const free = new FreePorts();
  const takers = new Map<number, string>();
  // A single port before the ranges that end there.
  const sorted = [...claims].sort((left, right) => left.last - right.last || right.first - left.first);
  for (const claim of sorted) {
    const port = free.take(claim.first);
    if (port <= claim.last) {
      free.remove(port);
      takers.set(port, claim.service);
    } else if (claim.first !== claim.last && !reported.has(claim)) {
      reported.add(claim);
      complainFull(claim, takers);
    }
  }
}

function complainFull(claim: PortClaim, takers: ReadonlyMap<number, string>): void {
  const services = new Set<string>();
  for (let port = claim.first; port <= claim.last && services.size < 4; port++) services.add(takers.get(port) ?? '');
  const names = [...services].map((name) => `"${name}"`).slice(0, 3);
  const who = `${names.join(', ')}${services.size > 3 ? ' and others' : ''}`;
  complain(partPlace(claim.place, 'published'), {
    code: 'conflict.port',
    message: `no host port of ${claim.first}-${claim.last}/${claim.protocol} is left for the service "${claim.service}": ${who} took all of them`,
    hint: 'make the range longer, or give it other ports',
  });
}

/** The ports that nobody has yet; each knows the next free one, so that a long run is not walked twice. */
class FreePorts {
  readonly #next = Int32Array.from({ length: lastPort + 2 }, (_, port) => port);

  /** The lowest free port from `port` on; beyond the last one when there is none. */
  take(port: number): number {
    let free = port;
    while (this.#next[free] !== free) free = this.#next[free] ?? lastPort + 1;
    for (let each = port; each !== free; ) {
      const following = this.#next[each] ?? free;
      this.#next[each] = free;
      each = following;
    }
    return free;
  }

  remove(port: number): void {
    this.#next[port] = port + 1;
  }
}
