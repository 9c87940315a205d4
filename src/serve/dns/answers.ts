import { isIPv4 } from 'node:net';
import type { ServedContainer } from '../../model/served.ts';
import { canonicalAddress, type Directory, type Found, isName, type Located } from './directory.ts';
import { type Query, RCODE, TYPE } from './query.ts';
import { encodeRecord, type LocalAnswer, NO_NAME, ownRecord } from './response.ts';
import { addressOfReverse } from './reverse.ts';

/**
 * Seconds that an answer may be kept. Addresses stay when containers are replaced, so few answers become wrong; short
 * all the same, for replicas that come and go.
 */
const TTL = 5;
/** What one question may cost; more would not fit into what is sent by TCP, 65,535 bytes. */
const MOST_RECORDS = 1000;

/** What we answer by ourselves; undefined: others are to be asked. */
export function localAnswer(
  directory: Directory,
  asker: ServedContainer,
  { name, type }: Pick<Query, 'name' | 'type'>,
): LocalAnswer | undefined {
  const reverse = addressOfReverse(name);
  if (reverse !== undefined) return reverseAnswer(directory, asker, reverse, type);
  const addresses = addressesOf(directory, asker, name);
  if (addresses !== undefined) return addressAnswer(addresses, type);
  return serviceAnswer(directory, asker, name, type);
}

/** Addresses by a name that we know, before those of others: its own, `extra_hosts`, then its networks'. */
function addressesOf(directory: Directory, asker: ServedContainer, name: string): readonly string[] | undefined {
  // RFC 6761, 6.3: never asked of others.
  if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  const extra = asker.extraHosts.filter(({ host }) => host.toLowerCase() === name);
  if (extra.length > 0)
    return extra.flatMap(({ addresses }) => addresses.flatMap((each) => canonicalAddress(each) ?? []));
  const hostname = asker.hostname.toLowerCase();
  if (hostname !== '' && (name === hostname || name === `${hostname}.${asker.domainname.toLowerCase()}`)) {
    const own = asker.places.flatMap(({ addresses }) => addresses.flatMap((each) => canonicalAddress(each) ?? []));
    if (own.length > 0) return own;
  }
  return directory.find(asker, name)?.addresses;
}

function addressAnswer(addresses: readonly string[], type: number): LocalAnswer {
  // Nobody who has the name runs: it is not there, and others are not asked for it.
  if (addresses.length === 0) return NO_NAME;
  if (type === TYPE.any) return answer([minimalAny()]);
  const wanted = [...new Set(addresses)].filter(
    (address) => (type === TYPE.a && isIPv4(address)) || (type === TYPE.aaaa && !isIPv4(address)),
  );
  return answer(
    wanted.slice(0, MOST_RECORDS).map((data) => ownRecord({ type: isIPv4(data) ? 'A' : 'AAAA', ttl: TTL, data })),
  );
}

function reverseAnswer(
  directory: Directory,
  asker: ServedContainer,
  address: string,
  type: number,
): LocalAnswer | undefined {
  const found = directory.findAddress(asker, address);
  if (found === undefined) return undefined;
  if (found === 'ours') return NO_NAME;
  if (type === TYPE.any) return answer([minimalAny()]);
  const data = nameOf(found);
  return answer(type === TYPE.ptr && data !== undefined ? [ownRecord({ type: 'PTR', ttl: TTL, data })] : []);
}

/** As Docker has it, `demo-web-1.demo_default`: a name that leads back to the address. */
function nameOf({ container, network }: Located): string | undefined {
  const name = `${container.name}.${network}`;
  return isName(name) ? name : undefined;
}

/** `_http._tcp.web`, RFC 2782: the ports of every container that `web` finds. */
function serviceAnswer(
  directory: Directory,
  asker: ServedContainer,
  name: string,
  type: number,
): LocalAnswer | undefined {
  const [, port = '', protocol = '', host = ''] = /^_([^.]+)\._(tcp|udp|sctp)\.(.+)$/.exec(name) ?? [];
  const found = host === '' ? undefined : directory.find(asker, host);
  if (found === undefined) return undefined;
  const targets = portsOf(found, protocol, port);
  if (targets.length === 0) return NO_NAME;
  if (type === TYPE.any) return answer([minimalAny()]);
  if (type !== TYPE.srv) return answer([]);
  return {
    ...answer(
      targets.map(({ target, number }) =>
        ownRecord({ type: 'SRV', ttl: TTL, data: { priority: 0, weight: 0, port: number, target } }),
      ),
    ),
    additionals: targets.flatMap(({ target, addresses }) =>
      addresses.map((data) => encodeRecord({ name: target, type: isIPv4(data) ? 'A' : 'AAAA', ttl: TTL, data })),
    ),
  };
}

interface Target {
  readonly target: string;
  readonly number: number;
  readonly addresses: readonly string[];
}

function portsOf({ containers }: Found, protocol: string, wanted: string): readonly Target[] {
  return containers.slice(0, MOST_RECORDS).flatMap((located): readonly Target[] => {
    const target = nameOf(located);
    if (target === undefined) return [];
    const ports = located.container.ports.filter((port) => port.protocol === protocol && port.names.includes(wanted));
    return [...new Set(ports.map(({ port }) => port))].map((number) => ({
      target,
      number,
      addresses: located.addresses,
    }));
  });
}

/** RFC 8482, 4.2: instead of everything. */
function minimalAny(): Buffer {
  return ownRecord({ type: 'HINFO', ttl: TTL, data: { cpu: 'RFC8482', os: '' } });
}

function answer(answers: readonly Buffer[]): LocalAnswer {
  return { rcode: RCODE.ok, answers, additionals: [], turn: 0 };
}
