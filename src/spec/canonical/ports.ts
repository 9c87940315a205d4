import { isAddress } from '../ip.ts';
import { type Dict, dict, isDict, type Value } from '../node.ts';
import { parsePorts } from '../ports-text.ts';
import { quoted } from '../printable.ts';
import { at, complain, nameOf, type Place } from './context.ts';
import { object, type Shape, text } from './shape.ts';

/** All ports of both protocols, twice over. */
const mostPorts = 131_072;

const longForm = object({
  name: text,
  mode: text,
  host_ip: text,
  target: (value, place) => portNumber(value, place),
  published: (value, place) => publishedPorts(value, place),
  protocol: text,
  app_protocol: text,
});

/** `ports`, both forms: long entries, each one container port. */
export const ports: Shape = (value, place) => {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const entries = new Map<string, Dict>();
  for (const [index, item] of value.entries()) {
    for (const entry of portEntries(item, at(place, index))) {
      entries.set(
        `${entry['host_ip'] ?? '0.0.0.0'}:${entry['published'] ?? ''}:${entry['target'] ?? ''}/${entry['protocol']}`,
        entry,
      );
    }
  }
  return [...entries.values()];
};

function portEntries(item: Value, place: Place): Dict[] {
  if (isDict(item)) return longEntries(item, place);
  const { context } = place;
  if (context.ports > mostPorts) return [];
  const spec = String(item);
  const parsed = parsePorts(spec);
  if ('problem' in parsed) {
    complain(place, { message: parsed.problem, hint: 'write "8080:80", "127.0.0.1:8080:80" or "8080:80/udp"' });
    return [];
  }
  context.ports += parsed.ports.length;
  if (context.ports > mostPorts) {
    const message = `the stack publishes more than ${mostPorts} ports`;
    complain(place, { code: 'limit', message, hint: 'make the ranges shorter' });
    return [];
  }
  return parsed.ports.map((port) => {
    const entry = dict();
    entry['mode'] = 'ingress';
    if (port.hostIp !== undefined) entry['host_ip'] = port.hostIp;
    entry['target'] = port.target;
    if (port.published !== undefined) entry['published'] = port.published;
    entry['protocol'] = port.protocol;
    place.context.places.set(entry, place);
    return entry;
  });
}

function longEntries(item: Dict, place: Place): Dict[] {
  const entry = longForm(item, place);
  if (!isDict(entry)) return [];
  if (entry['target'] === undefined && item['target'] === undefined) {
    complain(place, { code: 'schema.missing', message: `${nameOf(place)} lacks the key "target"` });
  }
  const { host_ip: hostIp, protocol } = entry;
  if (typeof hostIp === 'string' && !isAddress(hostIp)) {
    complain(at(place, 'host_ip'), { message: `${nameOf(place)}.host_ip ${quoted(hostIp)} is not an IP address` });
  }
  if (typeof protocol === 'string' && !['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) {
    complain(at(place, 'protocol'), { message: `port protocol ${quoted(protocol)} is none of tcp, udp, sctp` });
  }
  entry['protocol'] ??= 'tcp';
  entry['mode'] ??= 'ingress';
  place.context.places.set(entry, place);
  return [entry];
}

function portNumber(value: Value, place: Place): Value | undefined {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  complain(place, { message: `${nameOf(place)} is ${quoted(value)}: a container port is 1 to 65535` });
  return undefined;
}

function publishedPorts(value: Value, place: Place): Value | undefined {
  const spec = String(value ?? '');
  if (spec === '') return undefined;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(spec);
  const [start, end] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match !== null && end <= 65_535 && start <= end) return spec;
  complain(place, { message: `${nameOf(place)} is ${quoted(value)}: a host port is 0 to 65535, or a range of them` });
  return undefined;
}
