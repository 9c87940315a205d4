import { decode, encode, type Packet, type Question, RECURSION_DESIRED } from 'dns-packet';
import type { ServedContainer, ServedNetwork } from '../../src/model/served.ts';
import { Forwarder } from '../../src/serve/dns/forwarder.ts';
import { type Asked, Resolver } from '../../src/serve/dns/resolver.ts';

export function servedNetwork(key: string, number: number): ServedNetwork {
  return {
    name: `demo_${key}`,
    gateways: [`10.71.${number}.1`],
    subnets: [`10.71.${number}.0/24`, `fd00:${number}::/64`],
  };
}

export function servedContainer(name: string, more: Partial<ServedContainer> = {}): ServedContainer {
  return {
    name: `demo-${name}-1`,
    running: true,
    places: [],
    hostname: `${name}-host`,
    domainname: '',
    extraHosts: [],
    dns: [],
    forwards: true,
    ports: [],
    ...more,
  };
}

export function placeOf(
  key: string,
  addresses: readonly string[],
  ...names: string[]
): ServedContainer['places'][number] {
  return { network: `demo_${key}`, addresses, names };
}

/** A resolver of these containers on the networks `front` (10.71.1.0/24) and `back` (10.71.2.0/24) that asks nobody. */
export function resolverOf(containers: readonly ServedContainer[], forwarder = new Forwarder()): Resolver {
  const resolver = new Resolver({ forwarder, machineServers: () => [], peerForwarder: forwarder });
  const networks = [servedNetwork('front', 1), servedNetwork('back', 2)];
  resolver.update(networks, new Map(containers.map((container) => [container.name, container])));
  return resolver;
}

export function question(name: string, type: Question['type'], more: Partial<Packet> = {}): Buffer {
  return encode({ type: 'query', id: 4711, flags: RECURSION_DESIRED, questions: [{ name, type }], ...more });
}

export type Answered = ReturnType<typeof decode> & { readonly rcode: string };

/** Asks for a name on the network of a container's address; what comes back, decoded. */
export async function ask(
  resolver: Resolver,
  from: string,
  name: string,
  type: Question['type'] = 'A',
): Promise<Answered> {
  const network = from.startsWith('10.71.1.') || from.startsWith('fd00:1:') ? 'demo_front' : 'demo_back';
  return decode(await answerTo(resolver, question(name, type), { network, from, stream: false })) as Answered;
}

export async function answerTo(resolver: Resolver, packet: Buffer, asked: Asked): Promise<Buffer> {
  const answer = await resolver.answer(packet, asked);
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

/** What the answers of a packet say: addresses, names, `port target`. */
export function dataOf({ answers = [] }: Pick<Answered, 'answers'>): readonly string[] {
  return answers.map((record) => {
    if (record.type === 'SRV') return `${record.data.port} ${record.data.target}`;
    return 'data' in record ? String(record.data) : '';
  });
}
