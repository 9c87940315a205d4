import type { Endpoint, NetworkSpec } from '../model/container.ts';
import { bridgeOptions } from '../model/network-options.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { RollingUpdate } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { publishingEndpoint } from '../network/ports.ts';
import { assignAddresses } from './addresses.ts';
import { keepConnections, tellConnections } from './by-hand.ts';
import { diffEndpoints } from './diff.ts';
import { type Draft, isUp, replaceDraft, updateDraft } from './draft.ts';
import { compareDraft, replaceNamespaceSharers, type Sorted } from './drafts.ts';
import { endpointsOf } from './endpoints.ts';
import type { Findings } from './findings.ts';
import { type Handover, planHandover } from './handover.ts';
import { stays } from './interfaces.ts';
import { restartDependents, startCause } from './lifecycle.ts';
import { mountedOf } from './mounts.ts';
import type { NetworkPlan } from './network-decision.ts';
import { keepIgnored } from './on-change.ts';
import { checkParentWords } from './parent-words.ts';
import { checkReach } from './port-reach.ts';
import { assignPorts } from './ports.ts';
import { equalJson } from './record.ts';
import { planRollouts } from './rollout.ts';
import { chooseStartFirst } from './start-first.ts';

interface DecideRequest {
  readonly sorted: Sorted;
  readonly stack: Stack;
  readonly networks: NetworkPlan;
  /** Names of volumes that are made again: no container that mounts one can stay. */
  readonly emptied: ReadonlySet<string>;
  /** Services whose containers are replaced whatever they are like. */
  readonly forced: ReadonlySet<string>;
  /** Nothing is started or restarted. */
  readonly noStart: boolean;
  /** What has done its work is started, too. */
  readonly runAgain: boolean;
  readonly observed: ObservedState;
  readonly findings: Findings;
}

interface Decided {
  readonly handover: Handover;
  readonly updates: readonly RollingUpdate[];
}

/** Fills in the drafts: first what differs, then addresses and ports, then what these decisions draw after them. */
export function decideContainers(request: DecideRequest): Decided {
  const { drafts, removals } = request.sorted;
  for (const draft of drafts) {
    compareDraft(draft, request.stack, request.forced.has(draft.spec.key.service));
    for (const { network } of draft.observed?.endpoints ?? []) {
      const cause = request.networks.vacated.get(network);
      if (cause !== undefined) replaceDraft(draft, cause);
    }
    const emptied = mountedOf(draft.observed?.spec, request.emptied);
    if (emptied !== undefined) replaceDraft(draft, `volume "${emptied}" is made again`);
  }
  if (!request.noStart) chooseStartFirst(drafts, { ...request, services: request.stack.services });
  assignResources(request);
  for (const draft of drafts) compareResources(draft);
  const handover = planHandover(drafts, removals);
  replaceNamespaceSharers(drafts);
  if (request.noStart) {
    for (const draft of drafts) {
      draft.unstarted = true;
      draft.restart = false;
    }
    keepFiles(drafts);
    return { handover, updates: [] };
  }
  for (const draft of drafts) {
    const cause = draft.observed && (startCause(draft.observed) ?? againCause(draft.observed, request.runAgain));
    if (cause !== undefined) draft.startCause = cause;
  }
  restartDependents(drafts);
  keepFiles(drafts);
  return { handover, updates: planRollouts({ ...request, services: request.stack.services, drafts, handover }) };
}

function keepFiles(drafts: readonly Draft[]): void {
  for (const draft of drafts) {
    if (draft.observed !== undefined && stays(draft)) draft.spec = keepIgnored(draft.observed.spec, draft.spec);
  }
}

function againCause(container: ObservedContainer, runAgain: boolean): string | undefined {
  return runAgain && !isUp(container) ? 'is run again' : undefined;
}

function assignResources({ sorted, networks, observed, findings }: DecideRequest): void {
  const { removals, orphans } = sorted;
  const drafts = sorted.drafts.filter(({ kept }) => kept !== true);
  const bystanders = [...sorted.bystanders, ...keepResources(sorted.drafts)];
  const specs = new Map<string, NetworkSpec>([...networks.decisions].map(([key, { spec }]) => [key, spec]));
  const leaving = removals.map((removal) => removal.observed);
  for (const draft of drafts) keepConnections(draft, networks);
  const addresses = assignAddresses(
    drafts,
    specs.values(),
    { bystanders, leaving, foreign: observed.host.foreignAddresses ?? {} },
    findings,
  );
  for (const draft of drafts) {
    draft.endpoints = endpointsOf(draft, specs, addresses);
    tellConnections(draft, findings.warnings);
  }
  assignPorts(drafts, {
    host: observed.host,
    bystanders,
    leaving,
    ownPids: new Set(Object.values(observed.containers).flatMap(({ pid }) => pid ?? [])),
    orphans,
    hostBinding: ({ endpoints }) => {
      const network = specs.get(publishingEndpoint(endpoints, 4)?.network ?? '');
      return network && bridgeOptions(network).hostBinding;
    },
    findings,
  });
  checkReach(drafts, findings);
  checkParentWords(drafts, findings);
}

/** What stays as it was made keeps its addresses and ports; others get what is left. */
function keepResources(drafts: readonly Draft[]): readonly ObservedContainer[] {
  return drafts.flatMap((draft) => {
    if (draft.kept !== true || draft.observed === undefined) return [];
    draft.endpoints = draft.observed.endpoints;
    draft.ports = draft.observed.ports;
    return draft.observed;
  });
}

/** Addresses, interfaces and host ports that come out otherwise than they are, though the file's words may be the same. */
function compareResources(draft: Draft): void {
  const { observed, endpoints, ports } = draft;
  if (observed === undefined) return;
  showAddresses(draft);
  if (draft.action === 'replace') return;
  if (!equalJson(byNetwork(observed.endpoints), byNetwork(endpoints))) {
    draft.fields.push(...diffEndpoints(observed.endpoints, endpoints));
    joinAgain(draft, observed.endpoints);
    updateDraft(draft, draft.causes[0] ?? 'its networks have changed');
  }
  if (!equalJson(observed.ports, ports) && !draft.fields.some(({ field }) => field === 'ports')) {
    draft.fields.push({ field: 'publishedPorts', before: observed.ports, after: ports, forcesReplacement: false });
    updateDraft(draft, 'its host ports have changed');
  }
}

/** A network that the file has the container on, and had it on when it was made: it was disconnected by hand. */
function joinAgain(draft: Draft, before: readonly Endpoint[]): void {
  const there = new Set(before.map(({ network }) => network));
  const shown = new Set(draft.fields.map(({ field }) => field));
  for (const { network, networkName, ipv4, ipv6 } of draft.endpoints) {
    const field = `networks.${network}`;
    if (there.has(network) || shown.has(field)) continue;
    draft.fields.push({ field, after: ipv4 ?? ipv6, forcesReplacement: false });
    updateDraft(draft, `drift: it was disconnected from network "${networkName}" by hand`);
  }
}

/** Shows a network that is joined or left by the container's address on it. */
function showAddresses({ fields, observed, endpoints }: Draft): void {
  const addressOn = (list: readonly Endpoint[] | undefined, field: string): string | undefined => {
    const endpoint = list?.find(({ network }) => field === `networks.${network}`);
    return endpoint?.ipv4 ?? endpoint?.ipv6;
  };
  for (const [index, change] of fields.entries()) {
    const before = addressOn(observed?.endpoints, change.field);
    const after = addressOn(endpoints, change.field);
    const joined = change.before === undefined && after !== undefined;
    const left = change.after === undefined && before !== undefined;
    if (joined) fields[index] = { ...change, after };
    if (left) fields[index] = { ...change, before };
  }
}

function byNetwork(endpoints: readonly Endpoint[]): Readonly<Record<string, Endpoint>> {
  return Object.fromEntries(endpoints.map((endpoint) => [endpoint.network, endpoint]));
}
