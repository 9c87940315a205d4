import { connect, disconnect, type NamedContainer } from '../engine/connect.ts';
import { deleteNetwork, listNetworks, makeNetwork, showNetwork } from '../engine/networks.ts';
import type { Nothing } from './api.ts';
import { Body, parseSelector, selectStack } from './requests.ts';
import type { Route } from './route.ts';

/** Routes about networks. */
export const NETWORK_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/networks',
    summary: 'All networks of this machine, and who is on them',
    response: 'NetworkSummary[]',
    answer: ({ engine }) => listNetworks(engine),
  },
  {
    method: 'GET',
    path: '/v1/networks/:name',
    summary: 'One network, and in what the kernel differs from it',
    response: 'NetworkDetail',
    answer: ({ engine, parameters }) => showNetwork(engine, parameters['name'] ?? ''),
  },
  {
    method: 'POST',
    path: '/v1/networks/create',
    summary: 'Make a network that belongs to no stack',
    request: 'CreateNetworkRequest',
    response: 'MadeNetwork',
    answer: ({ engine, body }) => {
      const request = new Body(body);
      const options = {
        name: request.text('name'),
        subnets: request.texts('subnets'),
        gateways: request.texts('gateways'),
        ipRanges: request.texts('ipRanges'),
        auxAddresses: request.textMap('auxAddresses'),
        internal: request.flag('internal'),
        driverOptions: request.textMap('driverOptions'),
        labels: request.textMap('labels'),
        ipamOptions: request.textMap('ipamOptions'),
        ...given('driver', request.optionalText('driver')),
        ...given('ipamDriver', request.optionalText('ipamDriver')),
        ...(request.has('ipv4') && { ipv4: request.flag('ipv4') }),
        ...(request.has('ipv6') && { ipv6: request.flag('ipv6') }),
      };
      return engine.whileBusy(() => makeNetwork(engine, options, request.flag('dryRun')));
    },
  },
  {
    method: 'POST',
    path: '/v1/networks/remove',
    summary: 'Remove a network that no container is on',
    request: 'RemoveNetworkRequest',
    response: 'Nothing',
    answer: async ({ engine, body }): Promise<Nothing> => {
      const request = new Body(body);
      await engine.whileBusy(() => deleteNetwork(engine, request.text('name'), request.flag('dryRun')));
      return {};
    },
  },
  {
    method: 'POST',
    path: '/v1/networks/connect',
    summary: 'Join a container to a network besides those of its stack file',
    request: 'ConnectRequest',
    response: 'Connected',
    stream: ({ engine, body }, reporting) => {
      const request = new Body(body);
      const options = {
        aliases: request.texts('aliases'),
        linkLocalIps: request.texts('linkLocalIps'),
        driverOptions: request.textMap('driverOptions'),
        ...given('ip', request.optionalText('ip')),
        ...given('ip6', request.optionalText('ip6')),
        ...given('gatewayPriority', request.optionalInteger('gatewayPriority')),
      };
      return connect(engine, request.text('network'), { ...containerOf(request), options }, reporting);
    },
  },
  {
    method: 'POST',
    path: '/v1/networks/disconnect',
    summary: 'Take a container off a network',
    request: 'DisconnectRequest',
    response: 'Connected',
    stream: ({ engine, body }, reporting) => {
      const request = new Body(body);
      const wanted = { ...containerOf(request), force: request.flag('force') };
      return disconnect(engine, request.text('network'), wanted, reporting);
    },
  },
];

function containerOf(request: Body): NamedContainer {
  const selector = parseSelector(request.body('selector'));
  return {
    container: request.text('container'),
    stack: () => selectStack(selector),
    ...given('index', request.optionalNumber('index')),
  };
}

/** A member that is left out where there is nothing to say. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { [K in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [K in Name]?: Value });
}
