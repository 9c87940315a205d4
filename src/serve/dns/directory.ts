import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { ServedContainer, ServedNetwork } from '../../model/served.ts';

/** Who is found by a name on one network. */
export interface Found {
  /** Of containers that run; empty: the name is there, but nobody has it now. */
  readonly addresses: readonly string[];
  readonly containers: readonly Located[];
}

/** A container on one network. */
export interface Located {
  readonly container: ServedContainer;
  readonly network: string;
  readonly addresses: readonly string[];
}

interface Entry {
  readonly addresses: string[];
  readonly containers: Located[];
}

/**
 * The containers and networks of the machine, by name and by address. Invariant: whoever asks is a container, and sees
 * what is on its own networks.
 */
export class Directory {
  readonly networks: readonly ServedNetwork[];
  readonly #names = new Map<string, Map<string, Entry>>();
  /** By network and address. */
  readonly #located = new Map<string, Located>();
  readonly #subnets = new BlockList();
  readonly #subnetsByNetwork = new Map<string, BlockList>();

  constructor(networks: readonly ServedNetwork[], containers: Iterable<ServedContainer>) {
    this.networks = networks;
    for (const { name, subnets } of networks) {
      const own = new BlockList();
      for (const subnet of subnets) {
        add(own, subnet);
        add(this.#subnets, subnet);
      }
      this.#subnetsByNetwork.set(name, own);
    }
    for (const container of containers) this.#add(container);
  }

  /** The container that has an address on a network. */
  at(network: string, address: string): Located | undefined {
    return this.#located.get(`${network} ${address}`);
  }

  /** A name as a container sees it: on the first of its networks that knows it, also as `NAME.NETWORK`. */
  find(asker: ServedContainer, name: string): Found | undefined {
    for (const { network } of asker.places) {
      const names = this.#names.get(network);
      const suffix = `.${network.toLowerCase()}`;
      const found = names?.get(name) ?? (name.endsWith(suffix) ? names?.get(name.slice(0, -suffix.length)) : undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Who has an address that a container may see; `ours`: nobody does, but it is of a network of ours. */
  findAddress(asker: ServedContainer, address: string): Located | 'ours' | undefined {
    for (const { network } of asker.places) {
      const located = this.#located.get(`${network} ${address}`);
      if (located?.container.running === true) return located;
    }
    return contains(this.#subnets, address) ? 'ours' : undefined;
  }

  /** Whether an address lies on a network of the container. */
  reaches(asker: ServedContainer, address: string): boolean {
    return asker.places.some(({ network }) => {
      const subnets = this.#subnetsByNetwork.get(network);
      return subnets !== undefined && contains(subnets, address);
    });
  }

  #add(container: ServedContainer): void {
    for (const { network, addresses: written, names } of container.places) {
      const addresses = written.flatMap((address) => canonicalAddress(address) ?? []);
      const located: Located = { container, network, addresses };
      for (const address of addresses) {
        const key = `${network} ${address}`;
        // Of two that take turns with one address the one that runs has it.
        if (container.running || !this.#located.has(key)) this.#located.set(key, located);
      }
      for (const name of qualified(names, container.domainname)) this.#addName(network, name, located);
    }
  }

  #addName(network: string, name: string, located: Located): void {
    let names = this.#names.get(network);
    if (names === undefined) {
      names = new Map();
      this.#names.set(network, names);
    }
    let entry = names.get(name);
    if (entry === undefined) {
      entry = { addresses: [], containers: [] };
      names.set(name, entry);
    }
    if (!located.container.running) return;
    entry.addresses.push(...located.addresses);
    entry.containers.push(located);
  }
}

/** Names that can be asked for, in lower case, also with the domain behind them. */
function qualified(names: readonly string[], domainname: string): ReadonlySet<string> {
  const domain = domainname === '' ? [] : names.map((name) => `${name}.${domainname}`);
  return new Set([...names, ...domain].map((name) => name.toLowerCase()).filter(isName));
}

/** RFC 1035, 2.3.4: labels of 1 to 63 bytes, 253 characters in all. Other text cannot come in a question. */
export function isName(name: string): boolean {
  return name.length <= 253 && /^[\x21-\x2d\x2f-\x7e]{1,63}(\.[\x21-\x2d\x2f-\x7e]{1,63})*$/.test(name);
}

/** The one spelling of an address; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  return isIPv6(text) ? new SocketAddress({ address: text, family: 'ipv6' }).address : undefined;
}

function add(list: BlockList, subnet: string): void {
  const [address = '', prefix] = subnet.split('/');
  if (isIPv4(address)) list.addSubnet(address, Number(prefix ?? 32), 'ipv4');
  else if (isIPv6(address)) list.addSubnet(address, Number(prefix ?? 128), 'ipv6');
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
