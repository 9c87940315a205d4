import type { ContainerSpec, Endpoint } from '../model/container.ts';
import { readHostResolvConf, resolvConf } from '../network/names.ts';
import { networkOwner } from '../network/network-owner.ts';
import type { MachineContext } from './context.ts';

type Machine = Pick<MachineContext, 'host' | 'records' | 'serving'>;

/** /etc/resolv.conf of a container: who shares the network of another one has that one's. */
export function resolvConfOf(context: Machine, spec: ContainerSpec, endpoints: readonly Endpoint[]): string {
  const owner = networkOwner(context, spec);
  if (owner !== undefined) return resolvConfOf(context, owner.spec, owner.endpoints);
  const server = nameServerOf(context, endpoints);
  return resolvConf(spec, readHostResolvConf(context.host), server);
}

/** The gateway of the network of the default route, else of the first network that has one, where we answer. */
function nameServerOf({ records, serving }: Machine, endpoints: readonly Endpoint[]): string | undefined {
  if (serving === undefined) return undefined;
  const routed = endpoints.find(({ gateway4, gateway6 }) => (gateway4 ?? gateway6) !== undefined);
  const gateways = [routed, ...endpoints].flatMap((endpoint) => {
    const network = endpoint === undefined ? undefined : records.networks.get(endpoint.networkName);
    return network?.bridge === undefined ? [] : (network.gateway4 ?? network.gateway6 ?? []);
  });
  return gateways.find((gateway) => serving.answers(gateway));
}
