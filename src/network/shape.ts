import { createHash } from 'node:crypto';
import type { HostOp } from '../host/op.ts';
import type { DIRECTIONS, LinkShape, Shape } from '../model/shape.ts';
import type { BridgeEndpoint } from './bridge-endpoint.ts';

/*
 * Both directions are shaped at the host's end of the veth pair, where the container cannot undo it. What leaves by that
 * end is inbound of the container: queueing disciplines of its own. What comes in by it is outbound: the kernel queues
 * only what leaves (tc(8)), so it is sent through an intermediate device (ifb) first, and goes on from there as if it
 * had just come in.
 */

/** The only ethernet type that costs nothing to match: all. */
const REDIRECT = ['protocol', 'all', 'prio', '1', 'u32', 'match', 'u32', '0', '0'];
const DEFAULT_MTU = 1500;
/** Ethernet header with a VLAN tag. */
const HEADER_BYTES = 18;
/** Packets waiting for a rate wait this long at most, then what comes is dropped: a router's buffer. */
const QUEUE_SECONDS = 0.1;
const LEAST_QUEUE_PACKETS = 20;
/** What may pass at once is what the rate lets pass in this time. */
const BURST_SECONDS = 0.005;
/** What a delay must hold where no rate is given. */
const FAST_BITS = 10e9;
/** Of a rate the packets may all be as small as this. */
const SMALL_PACKET_BYTES = 64;
/** netem's own default. */
const LEAST_DELAYED_PACKETS = 1000;

/** The intermediate device for what a container sends, named after its host's end: at most 15 characters. */
export function shaperName(hostInterface: string): string {
  const hash = createHash('sha256').update(`shaper\0${hostInterface}`).digest().readUIntBE(0, 6) % 36 ** 5;
  return `${hostInterface.slice(0, hostInterface.lastIndexOf('-'))}-${hash.toString(36).padStart(5, '0')}`;
}

/** Makes the link, which must be there, as shaped as the endpoint says, whatever it was before. */
export function shapeEndpoint(endpoint: BridgeEndpoint, alias: string): readonly HostOp[] {
  const { hostInterface, shape = {} } = endpoint;
  return [...shapeInbound(hostInterface, shape.inbound, endpoint), ...shapeOutbound(endpoint, alias)];
}

/** Makes links otherwise shaped; where nothing differs nothing is done. */
export function reshapeEndpoint(
  endpoint: BridgeEndpoint,
  before: LinkShape | undefined,
  alias: string,
): readonly HostOp[] {
  const { hostInterface, shape } = endpoint;
  const differs = (direction: (typeof DIRECTIONS)[number]): boolean =>
    JSON.stringify(rootQdisc(shape?.[direction], endpoint)) !==
    JSON.stringify(rootQdisc(before?.[direction], endpoint));
  return [
    ...(differs('inbound') ? shapeInbound(hostInterface, shape?.inbound, endpoint) : []),
    ...(differs('outbound') ? shapeOutbound(endpoint, alias) : []),
  ];
}

/** Takes away what does not go with the link itself. */
export function removeShaper({ hostInterface, shape }: BridgeEndpoint): readonly HostOp[] {
  if (shape?.outbound === undefined) return [];
  return [{ op: 'ip', args: ['link', 'del', 'dev', shaperName(hostInterface)], tolerate: 'absent' }];
}

function shapeInbound(device: string, shape: Shape | undefined, endpoint: BridgeEndpoint): readonly HostOp[] {
  return [
    { op: 'tc', args: ['qdisc', 'del', 'dev', device, 'root'], tolerate: 'absent' },
    ...qdiscsOf(device, shape, endpoint),
  ];
}

function shapeOutbound(endpoint: BridgeEndpoint, alias: string): readonly HostOp[] {
  const { hostInterface, shape } = endpoint;
  const device = shaperName(hostInterface);
  const tc = (...args: readonly string[]): HostOp => ({ op: 'tc', args });
  const before: HostOp = { op: 'tc', args: ['qdisc', 'del', 'dev', hostInterface, 'ingress'], tolerate: 'absent' };
  if (shape?.outbound === undefined) {
    return [before, { op: 'ip', args: ['link', 'del', 'dev', device], tolerate: 'absent' }];
  }
  return [
    before,
    { op: 'ip', args: ['link', 'add', 'name', device, 'type', 'ifb'], tolerate: 'exists' },
    { op: 'ip', args: ['link', 'set', 'dev', device, 'alias', alias, 'up'] },
    { op: 'tc', args: ['qdisc', 'del', 'dev', device, 'root'], tolerate: 'absent' },
    ...qdiscsOf(device, shape.outbound, endpoint),
    tc('qdisc', 'add', 'dev', hostInterface, 'ingress'),
    tc('filter', 'add', 'dev', hostInterface, 'parent', 'ffff:', ...REDIRECT, ...redirectTo(device)),
  ];
}

function redirectTo(device: string): readonly string[] {
  return ['action', 'mirred', 'egress', 'redirect', 'dev', device];
}

function qdiscsOf(device: string, shape: Shape | undefined, endpoint: BridgeEndpoint): readonly HostOp[] {
  const [root, child] = rootQdisc(shape, endpoint);
  const add = (where: readonly string[], words: readonly string[]): HostOp => ({
    op: 'tc',
    args: ['qdisc', 'add', 'dev', device, ...where, ...words],
  });
  return [
    ...(root === undefined ? [] : [add(['root', 'handle', '1:'], root)]),
    ...(child === undefined ? [] : [add(['parent', '1:1', 'handle', '2:'], child)]),
  ];
}

/**
 * The queueing disciplines of a direction in the words of tc-netem(8) and tc-tbf(8), the outer first: what is delayed
 * waits for the rate afterwards.
 */
export function rootQdisc(
  shape: Shape | undefined,
  { mtu = DEFAULT_MTU }: Pick<BridgeEndpoint, 'mtu'>,
): readonly (readonly string[])[] {
  if (shape === undefined) return [];
  const { rateBits, ...rest } = shape;
  const { limitPackets: _, ...harm } = rest;
  const delayed = Object.keys(harm).length > 0;
  return [
    ...(delayed ? [netem(shape)] : []),
    ...(rateBits === undefined ? [] : [tbf(shape, rateBits, mtu + HEADER_BYTES)]),
  ];
}

function netem(shape: Shape): readonly string[] {
  const { delayUs, jitterUs, lossPercent, reorderPercent, duplicatePercent, corruptPercent } = shape;
  const percent = (name: string, value: number | undefined): readonly string[] =>
    value === undefined ? [] : [name, `${value}%`];
  return [
    'netem',
    'limit',
    String(shape.limitPackets ?? delayedPackets(shape)),
    ...(delayUs === undefined ? [] : ['delay', `${delayUs}us`]),
    ...(jitterUs === undefined ? [] : [`${jitterUs}us`]),
    ...percent('loss', lossPercent),
    ...percent('duplicate', duplicatePercent),
    ...percent('reorder', reorderPercent),
    ...percent('corrupt', corruptPercent),
  ];
}

/** All that is under way in the time of the delay must fit: netem drops what does not. */
function delayedPackets({ rateBits, delayUs = 0, jitterUs = 0 }: Shape): number {
  const seconds = (delayUs + jitterUs) / 1e6;
  const perSecond = rateBits === undefined ? FAST_BITS / 8 / DEFAULT_MTU : rateBits / 8 / SMALL_PACKET_BYTES;
  return Math.min(1_000_000, LEAST_DELAYED_PACKETS + Math.ceil(seconds * perSecond));
}

/**
 * The bucket must hold a whole packet. What the sender has put together to 64 KB (segmentation offload) tbf takes apart
 * where it does not fit (tbf_segment() in net/sched/sch_tbf.c).
 */
function tbf({ limitPackets }: Shape, rateBits: number, frameBytes: number): readonly string[] {
  const bytes = rateBits / 8;
  const burst = Math.max(2 * frameBytes, Math.ceil(bytes * BURST_SECONDS));
  const queue =
    limitPackets === undefined
      ? Math.max(LEAST_QUEUE_PACKETS * frameBytes, Math.ceil(bytes * QUEUE_SECONDS))
      : limitPackets * frameBytes;
  return ['tbf', 'rate', `${rateBits}bit`, 'burst', String(burst), 'limit', String(burst + queue)];
}
