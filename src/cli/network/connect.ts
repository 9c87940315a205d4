import type { ConnectRequest, DisconnectRequest } from '../../daemon/network-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, EXIT } from '../command.ts';
import { keyValues } from '../key-value.ts';
import { countOption } from '../numbers.ts';
import { stackSelector } from '../stack-request.ts';
import { streamRequest } from '../stream-request.ts';
import type { NetworkOptions } from './verb.ts';

/** `network connect NETWORK CONTAINER`. */
export async function connectContainer(
  context: Context,
  operands: readonly string[],
  options: NetworkOptions,
): Promise<number> {
  const { ip, ip6, alias } = options;
  const gatewayPriority = integerOption('gw-priority', options['gw-priority']);
  const body: Omit<ConnectRequest, 'requestId'> = {
    ...choice(context, 'connect', operands, options),
    aliases: alias,
    linkLocalIps: options['link-local-ip'],
    driverOptions: keyValues('driver-opt', options['driver-opt']),
    ...(ip !== undefined && { ip }),
    ...(ip6 !== undefined && { ip6 }),
    ...(gatewayPriority !== undefined && { gatewayPriority }),
  };
  await streamRequest(context, { path: '/v1/networks/connect', body });
  return EXIT.done;
}

/** `network disconnect NETWORK CONTAINER`. */
export async function disconnectContainer(
  context: Context,
  operands: readonly string[],
  options: NetworkOptions,
): Promise<number> {
  const body: Omit<DisconnectRequest, 'requestId'> = {
    ...choice(context, 'disconnect', operands, options),
    force: options.force,
  };
  await streamRequest(context, { path: '/v1/networks/disconnect', body });
  return EXIT.done;
}

type Choice = Pick<ConnectRequest, 'network' | 'container' | 'selector' | 'index'>;

function choice(context: Context, verb: string, operands: readonly string[], options: NetworkOptions): Choice {
  const [network, container, ...more] = operands;
  if (network === undefined || container === undefined || more.length > 0) {
    throw new TsstackError('usage', `network ${verb} needs a network and a container`, {
      hint: `For example: tsstack network ${verb} shared demo-web-1`,
    });
  }
  const index = countOption('index', options.index, 1);
  return { network, container, selector: stackSelector(context), ...(index !== undefined && { index }) };
}

function integerOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new TsstackError('usage', `Option --${name} needs a whole number, got "${text}"`);
}
