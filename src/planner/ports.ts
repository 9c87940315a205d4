import type { PublishedPort } from '../model/container.ts';
import type { ObservedContainer, ObservedHost } from '../model/observed.ts';
import type { PortMapping } from '../model/stack.ts';
import { addressOf, type Draft } from './draft.ts';
import type { Findings } from './findings.ts';
import { claimPort, type PortClaims, type PortHolder, portHolder } from './port-claims.ts';

/** The kernel's default net.ipv4.ip_local_port_range, from which Docker takes host ports too. */
const EPHEMERAL = { first: 32768, last: 60999 };

export interface PortContext {
  readonly host: ObservedHost;
  /** Containers that stay as they are. */
  readonly bystanders: readonly ObservedContainer[];
  /** Containers that go away: others get their ports by name only, not by chance. */
  readonly leaving: readonly ObservedContainer[];
  /** Processes of this stack's containers: their sockets are no strangers. */
  readonly ownPids: ReadonlySet<number>;
  /** Names of containers whose service is gone. */
  readonly orphans: readonly string[];
  /** Address that ports of a container are published on which name none; undefined: all. */
  readonly hostBinding: (draft: Draft) => string | undefined;
  readonly findings: Findings;
}

/**
 * Decides the host ports of every container: fixed ones first, then those of ranges and free choices that a container
 * has already, then the first free ones. A port that a container has now is not checked again.
 */
export function assignPorts(drafts: readonly Draft[], context: PortContext): void {
  const wishes = drafts.flatMap((draft) => wishesOf(draft, context.hostBinding(draft)));
  const claims = bystanderClaims(context);
  const strangers = strangerClaims(context);
  for (const wish of wishes) if (isFixed(wish.mapping)) takeFixed(wish, claims, strangers, context.findings);
  for (const wish of wishes) keepPresent(wish, claims);
  const avoided = new Map(strangers);
  for (const { spec, ports } of [...context.leaving, ...drafts.flatMap(({ observed }) => observed ?? [])]) {
    for (const port of ports) claimPort(avoided, port, { owner: spec.name, kind: 'bystander' });
  }
  const cursors = new Map<string, number>();
  for (const wish of wishes)
    if (wish.chosen === undefined) takeFree(wish, { claims, avoided, cursors }, context.findings);
  const byDraft = new Map<Draft, PublishedPort[]>(drafts.map((draft) => [draft, []]));
  for (const { draft, chosen } of wishes) if (chosen !== undefined) byDraft.get(draft)?.push(chosen);
  for (const [draft, ports] of byDraft) draft.ports = ports;
}

/** One port mapping of one container, with the host port that was chosen for it. */
interface Wish {
  readonly draft: Draft;
  readonly mapping: PortMapping;
  chosen?: PublishedPort;
}

function wishesOf(draft: Draft, hostBinding: string | undefined): readonly Wish[] {
  if (draft.spec.networkMode.type !== 'networks') return [];
  return draft.spec.ports.map((mapping) => {
    const bound = mapping.hostIp === undefined && hostBinding !== undefined;
    return { draft, mapping: bound ? { ...mapping, hostIp: hostBinding } : mapping };
  });
}

function bystanderClaims({ bystanders, orphans }: PortContext): PortClaims {
  const claims: PortClaims = new Map();
  const gone = new Set(orphans);
  for (const { spec, ports } of bystanders) {
    const kind = gone.has(spec.name) ? 'orphan' : 'bystander';
    for (const port of ports) claimPort(claims, port, { owner: `container "${spec.name}"`, kind });
  }
  return claims;
}

function strangerClaims({ host, ownPids }: PortContext): PortClaims {
  const claims: PortClaims = new Map();
  for (const { protocol, address, port, owner } of host.listeners) {
    const pid = /\(pid (\d+)\)/.exec(owner ?? '')?.[1];
    if (pid !== undefined && ownPids.has(Number(pid))) continue;
    const hostIp = address.replace(/%.*/, '');
    claimPort(claims, { protocol, hostPort: port, hostIp }, { owner: owner ?? 'another program', kind: 'process' });
  }
  for (const port of host.foreignPorts) claimPort(claims, port, { owner: port.owner, kind: 'stack' });
  return claims;
}

function isFixed(mapping: PortMapping): boolean {
  return mapping.published !== undefined && (mapping.publishedEnd ?? mapping.published) === mapping.published;
}

function publish(mapping: PortMapping, hostPort: number): PublishedPort {
  return {
    protocol: mapping.protocol,
    hostPort,
    ...(mapping.hostIp !== undefined && { hostIp: mapping.hostIp }),
    containerPort: mapping.target,
  };
}

function takeFixed(wish: Wish, claims: PortClaims, strangers: PortClaims, findings: Findings): void {
  const { draft, mapping } = wish;
  const port = publish(mapping, mapping.published ?? 0);
  const holder = portHolder(claims, port) ?? (holds(draft, port) ? undefined : portHolder(strangers, port));
  wish.chosen = port;
  claimPort(claims, port, { owner: addressOf(draft.spec), kind: 'planned' });
  if (holder === undefined) return;
  const text = `${port.hostIp === undefined ? '' : `${port.hostIp}:`}${port.hostPort}/${port.protocol}`;
  findings.conflicts.push({
    address: addressOf(draft.spec),
    message: `Cannot publish port ${text} for ${addressOf(draft.spec)}: ${holder.owner} has it`,
    hint: wayOut(holder, draft.spec.key.service, port),
  });
}

function holds(draft: Draft, port: PublishedPort): boolean {
  return (draft.observed?.ports ?? []).some(
    (present) =>
      present.protocol === port.protocol && present.hostPort === port.hostPort && present.hostIp === port.hostIp,
  );
}

function wayOut(holder: PortHolder, service: string, port: PublishedPort): string {
  const place = `services.${service}.ports`;
  if (holder.kind === 'planned' && holder.owner.startsWith(`service.${service}[`)) {
    const range = `${port.hostPort}-${port.hostPort + 9}:${port.containerPort}`;
    return `Set a range of host ports ("${range}") or no host port ("${port.containerPort}") in ${place}.`;
  }
  if (holder.kind === 'orphan')
    return `Remove that container with --remove-orphans, or set another host port in ${place}.`;
  if (holder.kind === 'process') return `Stop that program, or set another host port in ${place}.`;
  return `Set another host port in ${place}.`;
}

function rangeOf(mapping: PortMapping): { readonly first: number; readonly last: number } {
  if (mapping.published === undefined) return EPHEMERAL;
  return { first: mapping.published, last: mapping.publishedEnd ?? mapping.published };
}

/** A port of a range, or a free choice, that the container has for the same target already. */
function keepPresent(wish: Wish, claims: PortClaims): void {
  const { draft, mapping } = wish;
  if (wish.chosen !== undefined) return;
  const { first, last } = rangeOf(mapping);
  const present = draft.observed?.ports.find(
    (port) =>
      port.protocol === mapping.protocol &&
      port.containerPort === mapping.target &&
      port.hostIp === mapping.hostIp &&
      port.hostPort >= first &&
      port.hostPort <= last &&
      portHolder(claims, port) === undefined,
  );
  if (present === undefined) return;
  wish.chosen = publish(mapping, present.hostPort);
  claimPort(claims, present, { owner: addressOf(draft.spec), kind: 'planned' });
}

interface FreePorts {
  readonly claims: PortClaims;
  readonly avoided: PortClaims;
  /** Where to go on, by range and address: all below is taken. So the search is linear in all. */
  readonly cursors: Map<string, number>;
}

function takeFree(wish: Wish, { claims, avoided, cursors }: FreePorts, findings: Findings): void {
  const { draft, mapping } = wish;
  const { first, last } = rangeOf(mapping);
  const cursor = `${mapping.protocol} ${first} ${mapping.hostIp ?? '*'}`;
  for (let hostPort = cursors.get(cursor) ?? first; hostPort <= last; hostPort += 1) {
    const port = publish(mapping, hostPort);
    if ((portHolder(claims, port) ?? portHolder(avoided, port)) !== undefined) continue;
    wish.chosen = port;
    cursors.set(cursor, hostPort + 1);
    claimPort(claims, port, { owner: addressOf(draft.spec), kind: 'planned' });
    return;
  }
  findings.conflicts.push({
    address: addressOf(draft.spec),
    message: `Cannot publish port ${mapping.target}/${mapping.protocol} of ${addressOf(draft.spec)}: every host port from ${first} to ${last} is taken`,
    hint: `Widen the range in services.${draft.spec.key.service}.ports.`,
  });
}
