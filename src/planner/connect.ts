import { networkAddress } from '../model/address.ts';
import { type Endpoint, type NetworkSpec, networkLabel } from '../model/container.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { FieldChange, Plan } from '../model/plan.ts';
import type { NetworkAttachment } from '../model/stack.ts';
import { assignAddresses } from './addresses.ts';
import { presentAttachments } from './by-hand.ts';
import { type Attachment, addressOf, type Draft } from './draft.ts';
import { endpointsOf } from './endpoints.ts';
import type { Findings } from './findings.ts';
import { mendNetworks, repairsOf } from './mend.ts';
import { member } from './record.ts';
import { runPlan } from './runs.ts';
import { stepId } from './step-id.ts';

/** A container that joins or leaves one network, by the key that it has that network under. */
export interface Reconnection {
  readonly container: ObservedContainer;
  readonly key: string;
}

const PLAIN: NetworkAttachment = { aliases: [], priority: 0, gatewayPriority: 0 };

/**
 * Joins a container to a network. Without an attachment one of its own networks is joined again as its stack file has it.
 * `observed` holds the network, too.
 */
export function planConnect(
  stack: string,
  observed: ObservedState,
  { container, key, attachment }: Reconnection & { readonly attachment: NetworkAttachment | undefined },
): Plan {
  const own = attachment === undefined ? member(container.spec.networks, key) : undefined;
  const joined: Attachment = own ?? { ...(attachment ?? PLAIN), byHand: true };
  const attachments = { ...presentAttachments(container.spec, container.endpoints), [key]: joined };
  return reconnect(stack, observed, { container, attachments, cause: 'connected by hand' });
}

/** Takes a container off a network. */
export function planDisconnect(stack: string, observed: ObservedState, { container, key }: Reconnection): Plan {
  const { [key]: _left, ...attachments } = presentAttachments(container.spec, container.endpoints);
  return reconnect(stack, observed, { container, attachments, cause: 'disconnected by hand' });
}

interface Wanted {
  readonly container: ObservedContainer;
  readonly attachments: Readonly<Record<string, Attachment>>;
  readonly cause: string;
}

function reconnect(stack: string, observed: ObservedState, { container, attachments, cause }: Wanted): Plan {
  const findings: Findings = { conflicts: [], warnings: [] };
  const { spec, ports } = container;
  const address = addressOf(spec);
  const endpoints = decideEndpoints(observed, { container, attachments, cause }, findings);
  const fields = changedNetworks(container.endpoints, endpoints);
  const step = {
    type: 'update-container' as const,
    id: stepId('update', address),
    address,
    cause,
    dependsOn: endpoints.map(({ network }) => stepId('create', networkAddress(network))),
    ...{ before: spec, spec, endpoints, ports, fields, repair: repairsOf(container) },
  };
  return runPlan(stack, findings.conflicts, {
    changes: [{ address, action: 'update', cause, fields }],
    steps: [...mendNetworks([{ endpoints }], observed.networks), step],
  });
}

function decideEndpoints(
  observed: ObservedState,
  { container, attachments }: Wanted,
  findings: Findings,
): readonly Endpoint[] {
  const { spec } = container;
  const networks = new Map<string, NetworkSpec>();
  for (const [key, attachment] of Object.entries(attachments)) {
    const network = member(observed.networks, key)?.spec;
    if (network === undefined) continue;
    networks.set(key, network);
    checkFamilies(spec, network, attachment, findings);
  }
  const empty = { causes: [], fields: [], repair: [], endpoints: [], ports: [], signals: [], restart: false };
  const draft: Draft = { ...empty, spec, observed: container, action: 'keep', attachments };
  const others = {
    bystanders: Object.values(observed.containers).filter((each) => each !== container),
    leaving: [],
    foreign: observed.host.foreignAddresses ?? {},
  };
  return endpointsOf(draft, networks, assignAddresses([draft], networks.values(), others, findings));
}

/** An address of a family that a network does not have would be asked for in vain. */
function checkFamilies(
  spec: ObservedContainer['spec'],
  { name, subnet4, subnet6 }: NetworkSpec,
  { ipv4Address, ipv6Address }: Attachment,
  { conflicts }: Findings,
): void {
  for (const [wanted, subnet, family] of [
    [ipv4Address, subnet4, 'IPv4'],
    [ipv6Address, subnet6, 'IPv6'],
  ]) {
    if (wanted === undefined || subnet !== undefined) continue;
    const address = addressOf(spec);
    conflicts.push({ address, message: `Cannot give ${wanted} to ${address}: network "${name}" has no ${family}` });
  }
}

/** Networks that are joined or left, each with the container's address there. */
function changedNetworks(before: readonly Endpoint[], after: readonly Endpoint[]): readonly FieldChange[] {
  const without = (list: readonly Endpoint[], others: readonly Endpoint[]): readonly Endpoint[] =>
    list.filter(({ network }) => !others.some((other) => other.network === network));
  const addressOn = ({ ipv4, ipv6 }: Endpoint): string | undefined => ipv4 ?? ipv6;
  return [
    ...without(before, after).map((each) => ({ field: `networks.${networkLabel(each)}`, before: addressOn(each) })),
    ...without(after, before).map((each) => ({ field: `networks.${networkLabel(each)}`, after: addressOn(each) })),
  ].map((change) => ({ ...change, forcesReplacement: false }));
}
