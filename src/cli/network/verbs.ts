import type { NetworkDetail, NetworkSummary } from '../../daemon/network-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, EXIT } from '../command.ts';
import { renderNetwork, renderNetworks, renderNetworksBy } from '../views/networks.ts';
import { networkFilter } from './filter.ts';
import type { NetworkOptions } from './verb.ts';

/** `network ls`. */
export async function listNetworks(
  context: Context,
  names: readonly string[],
  { quiet, filter }: NetworkOptions,
): Promise<number> {
  if (names.length > 0) throw new TsstackError('usage', `network ls takes no names, got "${names.join(' ')}"`);
  const isWanted = networkFilter(filter);
  const networks = (await allNetworks(context)).filter(isWanted);
  const template = templateOf(context);
  if (quiet) context.out.write(networks.map(({ name }) => `${name}\n`).join(''));
  else if (template !== undefined) context.out.write(renderNetworksBy(networks, template));
  else if (context.format === 'json') context.out.write(`${JSON.stringify(networks, undefined, 2)}\n`);
  else context.out.write(renderNetworks(networks));
  return EXIT.done;
}

/** `network inspect NAME…`: a JSON list, but on a terminal or with `--format table` for people. */
export async function inspectNetworks(context: Context, names: readonly string[]): Promise<number> {
  requireNames('inspect', names);
  const networks: NetworkDetail[] = [];
  for (const name of names) {
    networks.push(await context.client.get<NetworkDetail>(`/v1/networks/${encodeURIComponent(name)}`));
  }
  const { globals, out } = context;
  const template = templateOf(context);
  const forPeople = globals.format === 'table' || (out.isTerminal && globals.format === undefined && !globals.json);
  if (template !== undefined) out.write(renderNetworksBy(networks, template));
  else if (forPeople) out.write(networks.map(renderNetwork).join('\n'));
  else out.write(`${JSON.stringify(networks, undefined, 2)}\n`);
  return EXIT.done;
}

/** A `--format` that is no name of one. */
function templateOf({ globals: { format, json } }: Context): string | undefined {
  return json || format === undefined || format === 'table' || format === 'json' ? undefined : format;
}

export function allNetworks(context: Context): Promise<readonly NetworkSummary[]> {
  return context.client.get<readonly NetworkSummary[]>('/v1/networks');
}

export function requireNames(verb: string, names: readonly string[]): void {
  if (names.length > 0) return;
  throw new TsstackError('usage', `network ${verb} needs the name of a network`, {
    hint: 'See them: tsstack network ls',
  });
}
