import type { Affected } from '../../daemon/api.ts';
import type {
  NetCutRequest,
  NetHealRequest,
  NetShapeRequest,
  NetStatus,
  NetStatusRequest,
} from '../../daemon/net-api.ts';
import { table } from '../../lib/table.ts';
import { TsstackError } from '../../model/error.ts';
import { describeLink } from '../../model/shape.ts';
import { printAffected } from '../affected.ts';
import { type Context, EXIT } from '../command.ts';
import { stackSelector } from '../stack-request.ts';

const KEYS = ['rate', 'delay', 'jitter', 'loss', 'reorder', 'duplicate', 'corrupt', 'limit'] as const;

/** Options of `tsstack net`; each verb has some of them. */
export type NetOptions = { readonly [Key in (typeof KEYS)[number] | 'network']: string | undefined } & {
  readonly [Key in 'outbound' | 'inbound' | 'off']: boolean;
};

/** `net`, `net ls [NAME…]`. */
export async function showNetworks(context: Context, names: readonly string[]): Promise<number> {
  const request: NetStatusRequest = { selector: stackSelector(context), names };
  const found = await context.client.post<readonly NetStatus[]>('/v1/net', request);
  if (context.format === 'json') context.out.write(`${JSON.stringify(found, undefined, 2)}\n`);
  else context.out.write(table(['NAME', 'NETWORK', 'SHAPE', 'CUT OFF FROM'], found.flatMap(rowsOf)));
  return EXIT.done;
}

function rowsOf({ name, links, cuts }: NetStatus): readonly (readonly string[])[] {
  return links.map(({ network, shape = {}, byHand }) => {
    const cutFrom = cuts.filter((cut) => cut.network === undefined || cut.network === network);
    return [
      name,
      network,
      `${describeLink(shape)}${byHand ? ', by hand' : ''}`,
      cutFrom.map(({ from }) => (from === '*' ? 'everything' : from)).join(', '),
    ];
  });
}

/** `net shape NAME… --delay 80ms`. */
export async function shapeNetworks(context: Context, names: readonly string[], options: NetOptions): Promise<number> {
  const given = KEYS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]] as const]));
  if (names.length === 0) throw needs('net shape needs a service or a container');
  if (options.outbound && options.inbound) {
    throw new TsstackError('usage', 'Options --outbound and --inbound exclude each other: without them both are meant');
  }
  if (options.off === given.length > 0) {
    const known = KEYS.map((key) => `--${key}`).join(', ');
    throw new TsstackError('usage', `net shape needs one of ${known}, or --off alone`);
  }
  const direction = options.outbound ? 'outbound' : options.inbound ? 'inbound' : undefined;
  const request: NetShapeRequest = {
    selector: stackSelector(context),
    names,
    ...(options.network !== undefined && { network: options.network }),
    ...(direction !== undefined && { direction }),
    ...(!options.off && { shape: Object.fromEntries(given) }),
  };
  const affected = await context.client.post<Affected>('/v1/net/shape', request);
  printAffected(context, affected, { done: options.off ? 'no longer shaped' : 'shaped', none: '' });
  return EXIT.done;
}

/** `net cut NAME [NAME]`. */
export async function cutNetworks(context: Context, names: readonly string[], options: NetOptions): Promise<number> {
  if (names.length === 0 || names.length > 2) throw needs('net cut needs one or two services or containers');
  const request: NetCutRequest = {
    selector: stackSelector(context),
    names,
    ...(options.network !== undefined && { network: options.network }),
  };
  const affected = await context.client.post<Affected>('/v1/net/cut', request);
  printAffected(context, affected, { done: 'cut off', none: '' });
  return EXIT.done;
}

/** `net heal [NAME [NAME]]`. */
export async function healNetworks(context: Context, names: readonly string[]): Promise<number> {
  if (names.length > 2) throw needs('net heal takes at most two services or containers');
  const request: NetHealRequest = { selector: stackSelector(context), names };
  const affected = await context.client.post<Affected>('/v1/net/heal', request);
  printAffected(context, affected, { done: 'healed', none: 'nothing was changed by hand' });
  return EXIT.done;
}

function needs(message: string): TsstackError {
  return new TsstackError('usage', message, { hint: 'See them: tsstack net' });
}
