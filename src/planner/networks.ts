import { networkAddress } from '../model/address.ts';
import type { ContainerSpec, NetworkSpec } from '../model/container.ts';
import type { ObservedContainer, ObservedNetwork, ObservedState } from '../model/observed.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Network, Stack } from '../model/stack.ts';
import { bridgeName, subnetsOverlap } from '../network/ipam.ts';
import { diffNetwork, forcesReplacement } from './diff.ts';
import type { Findings } from './findings.ts';
import { pseudoNetwork } from './network-mode.ts';
import { member } from './record.ts';
import { networkSpec, type SubnetContext } from './subnets.ts';

export interface NetworkDecision {
  readonly action: 'create' | 'replace' | 'update' | 'keep';
  /** As it will be; of an external network as it is. */
  readonly spec: NetworkSpec;
  /** As it is. */
  readonly before?: NetworkSpec;
  readonly cause: string;
  readonly fields: readonly FieldChange[];
}

export interface NetworkPlan {
  /** Networks that the planned containers use, or all, by key, sorted. */
  readonly decisions: ReadonlyMap<string, NetworkDecision>;
  readonly removals: readonly NetworkSpec[];
  /** Networks that must be empty before the plan can go on, with the reason: containers on them can't stay. */
  readonly vacated: ReadonlyMap<string, string>;
}

export interface NetworkRequest {
  readonly stack: Stack;
  readonly observed: ObservedState;
  /** Containers that will be there. */
  readonly containers: readonly ContainerSpec[];
  /** Containers of the stack that stay as they are, whatever the file says. */
  readonly bystanders: readonly ObservedContainer[];
  /** Make what no container uses, too. */
  readonly unused: boolean;
  /** Remove what is no longer declared. */
  readonly complete: boolean;
  readonly findings: Findings;
}

export function planNetworks(request: NetworkRequest): NetworkPlan {
  const { stack, observed, findings } = request;
  const context: SubnetContext = { stack, observed, findings, given: new Map() };
  const hosts = countHosts(request.containers);
  const decisions = new Map<string, NetworkDecision>();
  const keys = new Set([...hosts.keys(), ...(request.unused ? Object.keys(stack.networks) : [])]);
  for (const key of [...keys].sort()) {
    const network = member(stack.networks, key);
    const decision = network && decideNetwork(context, network, hosts.get(key) ?? 0);
    if (decision !== undefined) decisions.set(key, decision);
  }
  const removals = request.complete ? unusedNetworks(request) : [];
  for (const decision of decisions.values()) checkSubnets(request, decision, decisions, removals);
  const vacated = vacatedNetworks(decisions, removals);
  for (const container of request.bystanders) {
    for (const [key, cause] of vacated) {
      if (member(container.spec.networks, key) === undefined) continue;
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
      return { action: 'keep', spec: there.spec, before: there.spec, cause: '', fields: [] };
    }
    findings.conflicts.push({
      address,
      message: `External network "${network.name}" was not found`,
      hint: `Bring up the stack that owns it, or remove networks.${network.key}.external to have it created.`,
    });
    return undefined;
  }
  if (pseudoNetwork(network) !== undefined) return undefined;
  if (!['', 'default', 'bridge'].includes(network.driver)) {
    findings.conflicts.push({
      address,
      message: `Cannot create network "${network.name}": there is no driver "${network.driver}"`,
      hint: `Set networks.${network.key}.driver to bridge, or leave it out.`,
    });
    return undefined;
  }
  const spec = networkSpec(context, { ...network, driver: 'bridge' }, hosts);
  if (spec === undefined) return undefined;
  if (there === undefined || there.spec.stack !== stack.name) {
    return { action: 'create', spec, cause: 'not there yet', fields: subnetFields(spec) };
  }
  return compare(there, spec);
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

/** Networks of this stack that are neither declared nor used by a container that stays. */
function unusedNetworks({ stack, observed, bystanders }: NetworkRequest): readonly NetworkSpec[] {
  const used = new Set(bystanders.flatMap((container) => Object.keys(container.spec.networks)));
  return Object.values(observed.networks)
    .map(({ spec }) => spec)
    .filter(
      (spec) => spec.stack === stack.name && member(stack.networks, spec.key) === undefined && !used.has(spec.key),
    )
    .sort((left, right) => (left.key < right.key ? -1 : 1));
}

/** A subnet that is new must not overlap what the machine routes elsewhere, another stack's or another of our networks. */
function checkSubnets(
  request: NetworkRequest,
  decision: NetworkDecision,
  decisions: ReadonlyMap<string, NetworkDecision>,
  removals: readonly NetworkSpec[],
): void {
  if (decision.action !== 'create' && decision.action !== 'replace') return;
  const { stack, observed, findings } = request;
  const { spec, before } = decision;
  const others = Object.values(observed.networks).map((network) => network.spec);
  const bridges = new Set([...others.map((other) => other.bridge), bridgeName(stack.name, spec.key)]);
  const routes = observed.host.routes.filter(({ destination }) => !isHalfDefault(destination));
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
    findings.conflicts.push({
      address: networkAddress(spec.key),
      message: `Cannot create bridge "${spec.bridge}": subnet ${subnet} overlaps ${holder}`,
      hint: `Set another subnet in networks.${spec.key}.ipam, or leave it out to have a free one chosen.`,
    });
  }
}

/** VPNs replace the default route by 0.0.0.0/1 and 128.0.0.0/1, which say nothing about who lives there. */
function isHalfDefault(destination: string): boolean {
  return Number(destination.split('/')[1]) < 2;
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

/** Whether any subnet of one network overlaps any of the other. */
export function networksOverlap(left: NetworkSpec, right: NetworkSpec): boolean {
  return subnetsOf(left).some((subnet) => subnetsOf(right).some((other) => subnetsOverlap(subnet, other)));
}

function subnetsOf(spec: NetworkSpec): readonly string[] {
  return [spec.subnet4, spec.subnet6].flatMap((subnet) => subnet ?? []);
}
