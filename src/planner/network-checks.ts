import { networkAddress, networkAlias } from '../model/address.ts';
import type { NetworkSpec } from '../model/container.ts';
import { NETWORK_OPTIONS } from '../model/network-options.ts';
import type { HostLink } from '../model/observed.ts';
import { bridgeName, subnetsOverlap } from '../network/ipam.ts';
import { type NetworkDecision, type NetworkRequest, subnetsOf } from './network-decision.ts';
import { member } from './record.ts';

/** What stands against networks as they were decided: other people's subnets, routes, interfaces and containers. */
export function checkNetworks(
  request: NetworkRequest,
  decisions: ReadonlyMap<string, NetworkDecision>,
  removals: readonly NetworkSpec[],
): void {
  for (const decision of decisions.values()) {
    checkSubnets(request, decision, decisions, removals);
    warnOfRoutes(request, decision);
  }
  checkBridges(request, decisions);
  checkForeignUsers(request, decisions);
}

/** What is replaced must be left first, and this plan has no say on containers of other stacks. */
function checkForeignUsers(
  { observed, findings }: NetworkRequest,
  decisions: ReadonlyMap<string, NetworkDecision>,
): void {
  for (const { action, spec, before } of decisions.values()) {
    const users =
      action === 'replace' ? member(observed.host.foreignNetworkUsers ?? {}, before?.name ?? '') : undefined;
    if (users === undefined) continue;
    findings.conflicts.push({
      address: networkAddress(spec.key),
      message: `Cannot replace network "${spec.name}": containers of other stacks are on it (${users.join(', ')})`,
      hint: 'Take them down first, or disconnect them: tsstack network disconnect NETWORK CONTAINER.',
    });
  }
}

/** A subnet that is new must not overlap what the machine routes elsewhere, another stack's or another of our networks. */
function checkSubnets(
  request: NetworkRequest,
  decision: NetworkDecision,
  decisions: ReadonlyMap<string, NetworkDecision>,
  removals: readonly NetworkSpec[],
): void {
  if (decision.action !== 'create' && decision.action !== 'replace') return;
  const { observed, findings } = request;
  const { spec, before } = decision;
  const others = Object.values(observed.networks).map((network) => network.spec);
  const bridges = new Set([...others.map((other) => other.bridge), spec.bridge]);
  // What is on a parent is to be on the parent's own network.
  const routes = observed.host.routes.filter(
    ({ destination }) => spec.parent === undefined && !isHalfDefault(destination),
  );
  const gone = new Set(removals.map((removal) => removal.key));
  for (const subnet of subnetsOf(spec)) {
    if (before !== undefined && subnetsOf(before).includes(subnet)) continue;
    const route = routes.find((each) => !bridges.has(each.device) && subnetsOverlap(each.destination, subnet));
    const foreign = observed.host.foreignSubnets.find((each) => subnetsOverlap(each.subnet, subnet));
    const own = [
      ...others.filter((other) => !decisions.has(other.key)),
      ...[...decisions.values()].map((each) => each.spec),
    ]
      .filter((other) => other.key !== spec.key && !gone.has(other.key))
      .find((other) => subnetsOf(other).some((taken) => subnetsOverlap(taken, subnet)));
    const holder =
      (route && `route of "${route.device}"`) ??
      (foreign && `a network of stack "${foreign.owner}" (${foreign.subnet})`) ??
      (own && `network "${own.name}" (${subnetsOf(own).join(', ')})`);
    if (holder === undefined) continue;
    const what = spec.bridge === undefined ? `network "${spec.name}"` : `bridge "${spec.bridge}"`;
    findings.conflicts.push({
      address: networkAddress(spec.key),
      message: `Cannot create ${what}: subnet ${subnet} overlaps ${holder}`,
      hint: `Set another subnet in networks.${spec.key}.ipam, or leave it out to have a free one chosen.`,
    });
  }
}

/** A route that came after the network, as a VPN brings it: the network works on, and hides what lies behind the route. */
function warnOfRoutes({ stack, observed, findings }: NetworkRequest, { action, spec }: NetworkDecision): void {
  // The route of its parent's network is where it is meant to be.
  if ((action !== 'keep' && action !== 'update') || spec.parent !== undefined) return;
  for (const subnet of subnetsOf(spec)) {
    const route = observed.host.routes.find(
      ({ destination, device }) =>
        device !== spec.bridge && !isHalfDefault(destination) && subnetsOverlap(destination, subnet),
    );
    if (route === undefined) continue;
    findings.warnings.push(
      `Network "${spec.name}" (${subnet}) hides a part of ${route.destination}, which "${route.device}" now leads to: ` +
        `nobody on this machine reaches that. To have another subnet chosen, run "tsstack down" and "tsstack up"` +
        `${stack.networks[spec.key]?.ipam.some((pool) => pool.subnet !== undefined) === true ? `, with another one in networks.${spec.key}.ipam` : ''}.`,
    );
  }
}

/** A bridge may have a name of the user's: nobody else may have that, and it is used once. */
function checkBridges(
  { stack, observed, findings }: NetworkRequest,
  decisions: ReadonlyMap<string, NetworkDecision>,
): void {
  const users = new Map<string, string>();
  for (const { spec } of decisions.values()) {
    const { key, bridge } = spec;
    if (bridge === undefined || spec.stack !== stack.name || bridge === bridgeName(stack.name, key)) continue;
    const other = users.get(bridge);
    users.set(bridge, key);
    const link = observed.host.links?.[bridge];
    const isOther = link !== undefined && link.alias !== networkAlias(spec);
    if (other === undefined && !isOther) continue;
    const holder =
      other === undefined ? `there is an interface of that name${ownerOf(link)}` : `network "${other}" has it`;
    findings.conflicts.push({
      address: networkAddress(key),
      message: `Cannot create bridge "${bridge}": ${holder}`,
      hint: `Set another name in networks.${key}.driver_opts ("${NETWORK_OPTIONS.bridgeName}"), or leave it out.`,
    });
  }
}

function ownerOf(link: HostLink | undefined): string {
  return link?.alias === undefined ? ', which is not of tsstack' : ` ("${link.alias}")`;
}

/** VPNs replace the default route by 0.0.0.0/1 and 128.0.0.0/1, which say nothing about who lives there. */
function isHalfDefault(destination: string): boolean {
  return Number(destination.split('/')[1]) < 2;
}
