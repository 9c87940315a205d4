import { networkAddress } from '../model/address.ts';
import type { ContainerSpec, NetworkSpec } from '../model/container.ts';
import { NETWORK_DRIVERS, networkDriver } from '../model/network-drivers.ts';
import type { ObservedContainer, ObservedNetwork, ObservedState } from '../model/observed.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Network } from '../model/stack.ts';
import { diffNetwork, forcesReplacement } from './diff.ts';
import { checkNetworks } from './network-checks.ts';
import { type NetworkDecision, type NetworkPlan, type NetworkRequest, networksOverlap } from './network-decision.ts';
import { pseudoNetwork } from './network-mode.ts';
import { member } from './record.ts';
import { networkSpec, type SubnetContext } from './subnets.ts';

export function planNetworks(request: NetworkRequest): NetworkPlan {
  const { stack, observed, findings } = request;
  const context: SubnetContext = { stack, observed, findings, given: new Map() };
  const hosts = countHosts(request.containers);
  const decisions = new Map<string, NetworkDecision>();
  const connected = connectedByHand(observed);
  const keys = new Set([
    ...hosts.keys(),
    ...(request.unused ? Object.keys(stack.networks) : []),
    ...connected.filter((key) => member(stack.networks, key) !== undefined),
  ]);
  for (const key of [...keys].sort()) {
    const network = member(stack.networks, key);
    const decision = network && decideNetwork(context, network, hosts.get(key) ?? 0);
    if (decision !== undefined) decisions.set(key, decision);
  }
  const removals = request.complete ? unusedNetworks(request) : [];
  const removed = new Set(removals.map(({ key }) => key));
  for (const key of connected) {
    const there = member(observed.networks, key);
    if (there !== undefined && !decisions.has(key) && !removed.has(key)) decisions.set(key, asItIs(there));
  }
  checkNetworks(request, decisions, removals);
  const vacated = vacatedNetworks(decisions, removals);
  for (const container of request.bystanders) {
    for (const [key, cause] of vacated) {
      if (!isOn(container, key)) continue;
      findings.conflicts.push({
        address: networkAddress(key),
        message: `Cannot replace network "${key}" (${cause}): container "${container.spec.name}" is still on it`,
        hint: 'Run "up" without service names and with --remove-orphans, or stop and remove that container first.',
      });
    }
  }
  return { decisions, removals, vacated };
}

function countHosts(containers: readonly ContainerSpec[]): ReadonlyMap<string, number> {
  const hosts = new Map<string, number>();
  for (const container of containers) {
    for (const key of Object.keys(container.networks)) hosts.set(key, (hosts.get(key) ?? 0) + 1);
  }
  return hosts;
}

function decideNetwork(context: SubnetContext, network: Network, hosts: number): NetworkDecision | undefined {
  const { stack, observed, findings } = context;
  const there = member(observed.networks, network.key);
  const address = networkAddress(network.key);
  if (network.external) {
    if (there !== undefined && there.spec.name === network.name) {
      return asItIs(there);
    }
    findings.conflicts.push({
      address,
      message: `External network "${network.name}" was not found`,
      hint: `Make it with "tsstack network create ${network.name}", bring up the stack that owns it, or remove networks.${network.key}.external to have it created.`,
    });
    return undefined;
  }
  if (pseudoNetwork(network) !== undefined) return undefined;
  const driver = networkDriver(network.driver);
  if (driver === undefined) {
    findings.conflicts.push({
      address,
      message: `Cannot create network "${network.name}": there is no driver "${network.driver}"`,
      hint: `Set networks.${network.key}.driver to ${NETWORK_DRIVERS.join(', ')}, or leave it out.`,
    });
    return undefined;
  }
  const spec = networkSpec(context, { ...network, driver }, hosts);
  if (spec === undefined) return undefined;
  if (there === undefined || there.spec.stack !== stack.name) {
    return { action: 'create', spec, cause: 'not there yet', fields: subnetFields(spec) };
  }
  return compare(there, spec);
}

/** A network that this plan has nothing to say of but what it has lost. */
function asItIs({ spec, owned, drift }: ObservedNetwork): NetworkDecision {
  const cause = drift.map(({ message }) => `drift: ${message}`).join('; ');
  const action = drift.length > 0 ? 'update' : 'keep';
  return { action, spec, before: spec, cause, fields: [], ...(owned !== undefined && { owned }) };
}

function compare(there: ObservedNetwork, spec: NetworkSpec): NetworkDecision {
  const fields = diffNetwork(there.spec, spec);
  const before = there.spec;
  if (forcesReplacement(fields)) return { action: 'replace', spec, before, cause: 'changed in the stack file', fields };
  const drift = there.drift.map(({ message }) => `drift: ${message}`);
  const causes = [...(fields.length > 0 ? ['changed in the stack file'] : []), ...drift];
  return { action: causes.length > 0 ? 'update' : 'keep', spec, before, cause: causes.join('; '), fields };
}

function subnetFields(spec: NetworkSpec): readonly FieldChange[] {
  const subnets = { subnet4: spec.subnet4, subnet6: spec.subnet6 };
  return Object.entries(subnets).flatMap(([field, after]) =>
    after === undefined ? [] : [{ field, after, forcesReplacement: false }],
  );
}

/** Keys of the networks that containers were connected to by hand, sorted. */
function connectedByHand({ containers }: ObservedState): readonly string[] {
  const keys = Object.values(containers).flatMap(({ endpoints }) =>
    endpoints.flatMap(({ network, byHand }) => (byHand === undefined ? [] : network)),
  );
  return [...new Set(keys)].sort();
}

function isOn({ spec, endpoints }: ObservedContainer, key: string): boolean {
  return member(spec.networks, key) !== undefined || endpoints.some(({ network }) => network === key);
}

/** Networks of this stack that are neither declared nor used by a container that stays, or by one of another stack. */
function unusedNetworks({ stack, observed, bystanders, findings }: NetworkRequest): readonly NetworkSpec[] {
  const used = new Set(
    bystanders.flatMap(({ spec, endpoints }) => [
      ...Object.keys(spec.networks),
      ...endpoints.map(({ network }) => network),
    ]),
  );
  return Object.values(observed.networks)
    .map(({ spec }) => spec)
    .filter(
      (spec) => spec.stack === stack.name && member(stack.networks, spec.key) === undefined && !used.has(spec.key),
    )
    .filter(({ name }) => !keepsForOthers(name, observed, findings.warnings))
    .sort((left, right) => (left.key < right.key ? -1 : 1));
}

/** Whether containers of other stacks are on a network, which then stays; says so. */
export function keepsForOthers(name: string, { host }: ObservedState, warnings: string[]): boolean {
  const users = member(host.foreignNetworkUsers ?? {}, name);
  if (users === undefined) return false;
  warnings.push(`Network "${name}" is kept: containers of other stacks are on it (${users.join(', ')}).`);
  return true;
}

function vacatedNetworks(
  decisions: ReadonlyMap<string, NetworkDecision>,
  removals: readonly NetworkSpec[],
): ReadonlyMap<string, string> {
  const vacated = new Map<string, string>();
  const made = [...decisions.values()].filter(({ action }) => action === 'create' || action === 'replace');
  for (const { action, spec } of made)
    if (action === 'replace') vacated.set(spec.key, `network.${spec.key} is replaced`);
  for (const removal of removals) {
    const successor = made.find(({ spec }) => networksOverlap(spec, removal));
    if (successor !== undefined)
      vacated.set(removal.key, `network.${removal.key} makes room for network.${successor.spec.key}`);
  }
  return vacated;
}
