import type { ServedContainer, ServedNetwork } from '../../model/served.ts';
import type { Forwarder } from './forwarder.ts';
import { type Query, RCODE } from './query.ts';

/**
 * Other machines of an overlay, which answer names on it as we do. Asked by us, they answer with what they know themselves
 * and ask nobody else: so a question goes no further than one machine.
 */
export class Peers {
  readonly #forwarder: Forwarder;
  /** By network: where it is answered elsewhere. */
  readonly #addresses: ReadonlyMap<string, readonly string[]>;

  constructor(forwarder: Forwarder, networks: readonly ServedNetwork[]) {
    this.#forwarder = forwarder;
    this.#addresses = new Map(networks.map(({ name, peers = [] }) => [name, peers]));
  }

  /** Whether it is another machine that asks, not a container. */
  isPeer(network: string, address: string): boolean {
    return this.#addresses.get(network)?.includes(address) === true;
  }

  /** Whom to ask for a name that nobody here has; empty: it cannot be one of theirs. */
  whomToAsk(asker: ServedContainer, name: string): readonly string[] {
    const networks = asker.places.map(({ network }) => network);
    return networks.flatMap((network) => (isOfNetwork(name, network) ? (this.#addresses.get(network) ?? []) : []));
  }

  /** The first answer that has records; undefined: nobody knows the name. Never rejects. */
  async ask(packet: Buffer, query: Query, peers: readonly string[], client: string): Promise<Buffer | undefined> {
    const answers = peers.map(async (peer) => {
      const answer = await this.#forwarder.ask(packet, query, [peer], client);
      if (answer === undefined || !hasName(answer)) throw new Error(`${peer} does not know it`);
      return answer;
    });
    return Promise.any(answers).catch(() => undefined);
  }
}

/** Containers' names have no dots, but for `NAME.NETWORK` and SRV's `_80._tcp.NAME`: others are not asked for all over. */
function isOfNetwork(name: string, network: string): boolean {
  const suffix = `.${network.toLowerCase()}`;
  const short = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  return /^(_[^.]+\._[^.]+\.)?[^.]+$/.test(short);
}

/** The name is there, be it without records of the type that was asked for. */
function hasName(answer: Buffer): boolean {
  return ((answer[3] ?? 0) & 0x0f) === RCODE.ok;
}

/** As which another machine asks: on that network alone, and for nobody's other names. */
export function peerOf(network: string): ServedContainer {
  return {
    name: '',
    running: false,
    places: [{ network, addresses: [], names: [] }],
    hostname: '',
    domainname: '',
    extraHosts: [],
    dns: [],
    forwards: false,
    ports: [],
  };
}
