import type { ServedContainer, ServedNetwork } from '../../model/served.ts';
import { localAnswer } from './answers.ts';
import { Directory } from './directory.ts';
import type { Forwarder } from './forwarder.ts';
import { Peers, peerOf } from './peers.ts';
import { type Parsed, parseQuery, type Query, RCODE } from './query.ts';
import { bare, empty, type LocalAnswer, limitOf, respond } from './response.ts';

/** Where a question came in, and from whom. */
export interface Asked {
  /** Real name of the network whose gateway was asked. */
  readonly network: string;
  /** Source address. */
  readonly from: string;
  /** TCP: answers are never cut short. */
  readonly stream: boolean;
}

export interface ResolverOptions {
  readonly forwarder: Forwarder;
  /** The machine's own servers. */
  readonly machineServers: () => readonly string[];
  /** Asks other machines of an overlay: they are near, and one that is silent is away. */
  readonly peerForwarder: Forwarder;
}

/** Most questions of one container that are kept encoded. */
const MOST_KEPT = 500;
/** All that TCP can carry in one answer. */
const STREAM_LIMIT_BYTES = 0xffff;

interface Request {
  readonly asker: Asker;
  readonly from: string;
  /** Most bytes of the answer. */
  readonly limit: number;
}

interface Asker {
  /** It is another machine of an overlay: told what we know, and nothing that others would have to be asked for. */
  readonly isPeer: boolean;
  readonly container: ServedContainer;
  /** Servers that are asked for names of others; undefined: the machine's. */
  readonly servers: readonly string[] | undefined;
  /** What it asked for already; `others`: not by us. */
  readonly kept: Map<string, LocalAnswer | 'others'>;
}

/** Answers questions of containers: what it knows at once, the rest by asking others. */
export class Resolver {
  readonly #options: ResolverOptions;
  #networks: readonly ServedNetwork[] = [];
  #containers: ReadonlyMap<string, ServedContainer> = new Map();
  /** Made again from the two above when the next question comes. */
  #directory: Directory | undefined;
  readonly #askers = new Map<string, Asker>();
  #peers: Peers;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#peers = new Peers(options.peerForwarder, []);
  }

  update(networks: readonly ServedNetwork[], containers: ReadonlyMap<string, ServedContainer>): void {
    this.#networks = networks;
    this.#containers = containers;
    this.#directory = undefined;
    this.#peers = new Peers(this.#options.peerForwarder, networks);
    this.#askers.clear();
  }

  /** The answer; a promise where others are asked, undefined where there is none. Never throws, never rejects. */
  answer(packet: Buffer, asked: Asked): Buffer | undefined | Promise<Buffer | undefined> {
    const parsed = parseQuery(packet);
    if (parsed.kind !== 'query') return errorAnswer(packet, parsed);
    const { query } = parsed;
    const asker = this.#asker(asked);
    if (asker === undefined) return empty(packet, query, { rcode: RCODE.refused });
    const known = this.#known(asker, query);
    const limit = asked.stream ? STREAM_LIMIT_BYTES : limitOf(query);
    if (known !== 'others') return respond(packet, query, known, limit);
    if (asker.isPeer) return empty(packet, query, { rcode: RCODE.noName });
    const peers = this.#peers.whomToAsk(asker.container, query.name);
    const request = { asker, from: asked.from, limit };
    return peers.length === 0
      ? this.#askOthers(packet, query, request)
      : this.#askPeers(Buffer.from(packet), query, { ...request, peers });
  }

  async #askPeers(
    packet: Buffer,
    query: Query,
    request: Request & { readonly peers: readonly string[] },
  ): Promise<Buffer> {
    const { peers, from, limit } = request;
    const answer = await this.#peers.ask(packet, query, peers, from);
    if (answer === undefined) return this.#askOthers(packet, query, request);
    return answer.length > limit ? empty(packet, query, { rcode: RCODE.ok, truncated: true }) : answer;
  }

  #known(asker: Asker, query: Query): LocalAnswer | 'others' {
    const key = `${query.type} ${query.name}`;
    const kept = asker.kept.get(key);
    if (kept !== undefined) return kept;
    const found = localAnswer(this.#current(), asker.container, query) ?? 'others';
    if (asker.kept.size >= MOST_KEPT) asker.kept.clear();
    asker.kept.set(key, found);
    return found;
  }

  #askOthers(packet: Buffer, query: Query, { asker, from, limit }: Request): Buffer | Promise<Buffer> {
    const { forwarder, machineServers } = this.#options;
    const { container, servers = machineServers() } = asker;
    // NXDOMAIN, since there is no such name for it: musl would wait 5 s for another answer after REFUSED.
    if (!container.forwards && servers.length === 0) return empty(packet, query, { rcode: RCODE.noName });
    const fit = (answer: Buffer): Buffer =>
      answer.length > limit ? empty(packet, query, { rcode: RCODE.ok, truncated: true }) : answer;
    const cached = forwarder.cached(packet, query, servers);
    if (cached !== undefined) return fit(cached);
    // It is asked for later than the buffer lives that it came in.
    const own = Buffer.from(packet);
    return forwarder
      .ask(own, query, servers, from)
      .then((answer) => (answer === undefined ? empty(own, query, { rcode: RCODE.failure }) : fit(answer)));
  }

  #asker({ network, from }: Asked): Asker | undefined {
    const key = `${network} ${from}`;
    const known = this.#askers.get(key);
    if (known !== undefined) return known;
    const directory = this.#current();
    const isPeer = this.#peers.isPeer(network, from);
    const container = isPeer ? peerOf(network) : directory.at(network, from)?.container;
    if (container === undefined) return undefined;
    const asker = { isPeer, container, servers: serversOf(directory, container), kept: new Map() };
    this.#askers.set(key, asker);
    return asker;
  }

  #current(): Directory {
    this.#directory ??= new Directory(this.#networks, this.#containers.values());
    return this.#directory;
  }
}

/** A container without a way out may still have a server on a network of its own. */
function serversOf(directory: Directory, container: ServedContainer): readonly string[] | undefined {
  const { dns, forwards } = container;
  if (!forwards) return dns.filter((address) => directory.reaches(container, address));
  return dns.length === 0 ? undefined : dns;
}

function errorAnswer(packet: Buffer, parsed: Exclude<Parsed, { kind: 'query' }>): Buffer | undefined {
  if (parsed.kind === 'silence') return undefined;
  const { query, rcode } = parsed;
  return query === undefined ? bare(packet, rcode) : empty(packet, query, { rcode });
}
