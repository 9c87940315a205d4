import { isAddress } from './ip.ts';

/** One mapping of the short form. `published` is a range (`80-90`) when one container port takes any of them. */
export interface PortText {
  readonly hostIp?: string;
  readonly published?: string;
  readonly target: number;
  readonly protocol: string;
}

export type PortResult = { readonly ports: readonly PortText[] } | { readonly problem: string };

interface Range {
  readonly start: number;
  readonly end: number;
}

/** `[HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL]`; ports may be ranges, an IPv6 address stands in brackets. */
export function parsePorts(spec: string): PortResult {
  const [body = '', protocolText = 'tcp', ...more] = spec.split('/');
  const protocol = protocolText === '' ? 'tcp' : protocolText.toLowerCase();
  if (more.length > 0) return { problem: `port "${spec}" has more than one protocol` };
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) {
    return { problem: `port "${spec}": the protocol "${protocolText}" is none of tcp, udp, sctp` };
  }
  const parts = splitParts(body);
  if (parts === undefined) return { problem: `port "${spec}" is not [HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL]` };
  if (parts.hostIp !== '' && (!isAddress(parts.hostIp) || parts.hostIp.includes('%'))) {
    return { problem: `port "${spec}": "${parts.hostIp}" is not an IP address` };
  }
  const target = parseRange(parts.target);
  if (typeof target === 'string') return { problem: `port "${spec}": ${target}` };
  const published = parts.published === '' ? undefined : parseRange(parts.published);
  if (typeof published === 'string') return { problem: `port "${spec}": ${published}` };
  if (target.start === 0) return { problem: `port "${spec}": the container port may not be 0 (1 to 65535)` };
  return expand({ spec, protocol, hostIp: parts.hostIp, target, published });
}

function splitParts(body: string): { hostIp: string; published: string; target: string } | undefined {
  const bracket = /^\[([^\]]*)\]:(.*)$/.exec(body);
  const parts = (bracket?.[2] ?? body).split(':');
  if (bracket !== null) {
    if (parts.length !== 2) return undefined;
    return { hostIp: bracket[1] ?? '', published: parts[0] ?? '', target: parts[1] ?? '' };
  }
  const target = parts.pop() ?? '';
  const published = parts.pop() ?? '';
  if (target === '') return undefined;
  // An IPv6 address needs brackets: without them nobody can tell where it ends.
  return parts.length > 1 ? undefined : { hostIp: parts.join(''), published, target };
}

function parseRange(text: string): Range | string {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return `"${text}" is not a port or a range of ports`;
  const start = Number(match[1]);
  const end = Number(match[2] ?? match[1]);
  if (start > 65_535 || end > 65_535) return `"${text}" is beyond the last port, 65535`;
  return start > end ? `the range "${text}" runs backwards` : { start, end };
}

interface Parsed {
  readonly spec: string;
  readonly protocol: string;
  readonly hostIp: string;
  readonly target: Range;
  readonly published: Range | undefined;
}

function expand({ spec, protocol, hostIp, target, published }: Parsed): PortResult {
  const count = target.end - target.start + 1;
  const published1 = published === undefined ? 0 : published.end - published.start + 1;
  if (published !== undefined && count > 1 && published1 !== count) {
    return {
      problem: `port "${spec}": the ranges "${rangeText(published)}" and "${rangeText(target)}" differ in length`,
    };
  }
  const ports: PortText[] = [];
  for (let index = 0; index < count; index++) {
    const host =
      published === undefined ? undefined : count === 1 ? rangeText(published) : String(published.start + index);
    ports.push({
      ...(hostIp !== '' && { hostIp }),
      ...(host !== undefined && { published: host }),
      target: target.start + index,
      protocol,
    });
  }
  return { ports };
}

function rangeText(range: Range): string {
  return range.start === range.end ? String(range.start) : `${range.start}-${range.end}`;
}
