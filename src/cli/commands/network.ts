import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand } from '../command.ts';
import { connectContainer, disconnectContainer } from '../network/connect.ts';
import { createNetwork } from '../network/create.ts';
import { pruneNetworks, removeNetworks } from '../network/remove.ts';
import type { NetworkOptions } from '../network/verb.ts';
import { inspectNetworks, listNetworks } from '../network/verbs.ts';
import { flag, list, onFlag, value } from '../options.ts';
import { runVerb, type Verbs } from '../verbs.ts';

const CREATE = [
  ...['driver', 'subnet', 'gateway', 'ip-range', 'aux-address', 'internal', 'attachable', 'ipv6', 'opt'],
  ...['label', 'ipam-driver', 'ipam-opt'],
];

const VERBS: Verbs<NetworkOptions> = {
  ls: { options: ['quiet', 'filter'], run: listNetworks },
  inspect: { options: [], run: inspectNetworks },
  create: { options: CREATE, run: createNetwork },
  rm: { options: ['force'], run: removeNetworks },
  connect: {
    options: ['ip', 'ip6', 'alias', 'link-local-ip', 'driver-opt', 'gw-priority', 'index'],
    run: connectContainer,
  },
  disconnect: { options: ['force', 'index'], run: disconnectContainer },
  prune: { options: ['force', 'filter'], run: pruneNetworks },
};

const OPTIONS = {
  quiet: flag('q', 'ls: only names'),
  filter: list('', 'FILTER', 'ls, prune: driver=, name=, label=, label!=, stack= or dangling=true|false'),
  force: flag('f', 'rm, disconnect: what is not there is fine; prune: do not ask'),
  driver: value('d', 'DRIVER', 'create: bridge unless given'),
  subnet: list('', 'SUBNET', 'create: 10.5.0.0/24; one of IPv4, one of IPv6; else a free one is chosen'),
  gateway: list('', 'ADDRESS', 'create: instead of the first address of its subnet'),
  'ip-range': list('', 'RANGE', 'create: part of its subnet that containers get addresses of'),
  'aux-address': list('', 'NAME=ADDRESS', 'create: an address that no container is given'),
  internal: flag('', 'create: without a way out'),
  attachable: flag('', 'create: accepted, every network is'),
  ipv4: onFlag('create: --ipv4=false makes a network of IPv6 only'),
  ipv6: flag('', 'create: with IPv6'),
  opt: list('o', 'KEY=VALUE', 'create: an option of the driver, as in driver_opts'),
  label: list('', 'KEY=VALUE', 'create: a label'),
  'ipam-driver': value('', 'DRIVER', 'create: who gives addresses'),
  'ipam-opt': list('', 'KEY=VALUE', 'create: an option of it'),
  ip: value('', 'ADDRESS', 'connect: this IPv4 address'),
  ip6: value('', 'ADDRESS', 'connect: this IPv6 address'),
  alias: list('', 'NAME', 'connect: another name of the container on this network'),
  'link-local-ip': list('', 'ADDRESS', 'connect: one more address, of its link only'),
  'driver-opt': list('', 'KEY=VALUE', 'connect: an option of the connection'),
  'gw-priority': value('', 'N', 'connect: the default route is on the network with the highest; 0 unless given'),
  index: value('', 'N', 'connect, disconnect: this replica of a service, instead of the first'),
};

/** `tsstack network`. */
export const command = defineCommand({
  name: 'network',
  summary: 'Look at the networks of this machine, make and remove them, connect containers to them',
  operands: `${Object.keys(VERBS).join('|')} [NAME…]`,
  options: OPTIONS,
  formats: ['table', 'json'],
  templates: true,
  examples: [
    { command: 'tsstack network ls', does: 'networks of every stack, their subnets, how many containers are on them' },
    { command: 'tsstack network inspect demo_default', does: 'bridge, subnets, and every container with its link' },
    { command: 'tsstack network create --subnet 10.5.0.0/24 shared', does: 'for stacks with "external: true"' },
    { command: 'tsstack network connect --alias db shared demo-db-1', does: 'while it runs, and until it is replaced' },
    { command: 'tsstack network connect --index 2 shared web', does: 'a replica of a service of this stack' },
    { command: 'tsstack network disconnect shared demo-db-1', does: 'takes it off again' },
    { command: 'tsstack network prune', does: 'remove networks that nothing needs, after a question' },
  ],
  run: (context, { options, operands }) => {
    refuseTemplate(context, operands[0]);
    // It is on unless it is turned off: only that is a word of the user's.
    if (!options.ipv4 && operands[0] !== 'create') {
      throw new TsstackError('usage', `Option --ipv4 has no meaning for "network ${operands[0] ?? ''}"`);
    }
    const known = Object.keys(OPTIONS).filter((name) => name !== 'ipv4');
    return runVerb(context, VERBS, { name: 'network', known, operands, options });
  },
});

/** What a verb prints that takes no template would not be in it. */
function refuseTemplate({ globals: { format } }: Context, verb: string | undefined): void {
  if (format === undefined || format === 'table' || format === 'json' || verb === 'ls' || verb === 'inspect') return;
  throw new TsstackError('usage', `network ${verb ?? ''} cannot print the format "${format}"`, {
    hint: 'Templates are for network ls and network inspect; formats are table and json',
  });
}
