import type { CreateNetworkRequest, MadeNetwork } from '../../daemon/network-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, EXIT } from '../command.ts';
import { keyValues } from '../key-value.ts';
import type { NetworkOptions } from './verb.ts';

/** `network create NAME`: prints the name, or with `--json` the network. */
export async function createNetwork(
  context: Context,
  names: readonly string[],
  options: NetworkOptions,
): Promise<number> {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0) throw new TsstackError('usage', 'network create needs one name');
  const { driver, subnet, gateway, internal, ipv4, ipv6, opt, label } = options;
  const dryRun = context.globals['dry-run'];
  const request: CreateNetworkRequest = {
    name,
    subnets: subnet,
    gateways: gateway,
    ipRanges: options['ip-range'],
    auxAddresses: keyValues('aux-address', options['aux-address']),
    internal,
    ipv4,
    ...(ipv6 && { ipv6 }),
    driverOptions: keyValues('opt', opt),
    labels: keyValues('label', label),
    ipamOptions: keyValues('ipam-opt', options['ipam-opt']),
    ...(driver !== undefined && { driver }),
    ...(options['ipam-driver'] !== undefined && { ipamDriver: options['ipam-driver'] }),
    ...(dryRun && { dryRun }),
  };
  const { warnings, ...made } = await context.client.post<MadeNetwork>('/v1/networks/create', request);
  for (const warning of warnings) context.err.write(`warning: ${warning}\n`);
  const subnets = made.subnets.map((each) => each.subnet).join(', ');
  if (context.format === 'json') context.out.write(`${JSON.stringify(made, undefined, 2)}\n`);
  else context.out.write(dryRun ? `+ network ${name}: ${made.driver}, ${subnets}\n` : `${name}\n`);
  if (dryRun) context.err.write('Dry run: nothing was changed\n');
  return EXIT.done;
}
