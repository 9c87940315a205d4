import { type ContainerSpec, type Endpoint, networkLabel } from '../model/container.ts';
import type { Attachment, Draft } from './draft.ts';
import { stays } from './interfaces.ts';
import type { NetworkPlan } from './network-decision.ts';
import { member } from './record.ts';

/** What a container is on now, be it otherwise than its stack file says. */
export function presentAttachments(
  spec: ContainerSpec,
  endpoints: readonly Endpoint[],
): Readonly<Record<string, Attachment>> {
  return Object.fromEntries(
    endpoints.flatMap(({ network, byHand }): [string, Attachment][] => {
      if (byHand !== undefined) return [[network, { ...byHand, byHand: true }]];
      const attachment = member(spec.networks, network);
      return attachment === undefined ? [] : [[network, attachment]];
    }),
  );
}

/**
 * Adds the connections that were made by hand to what a container that stays is to be on. The stack file has the say on
 * the networks that it puts the container on, and on those of its own that go.
 */
export function keepConnections(draft: Draft, { decisions }: NetworkPlan): void {
  if (draft.observed === undefined || !stays(draft)) return;
  const named = new Set(Object.keys(draft.spec.networks).map((key) => decisions.get(key)?.spec.name));
  const kept = draft.observed.endpoints.flatMap(({ network, networkName, byHand }): [string, Attachment][] =>
    byHand === undefined || named.has(networkName) || !decisions.has(network)
      ? []
      : [[network, { ...byHand, byHand: true }]],
  );
  if (kept.length > 0) draft.attachments = { ...draft.spec.networks, ...Object.fromEntries(kept) };
}

/** Says of connections by hand what becomes of them: of those that stay, and in the draft of those that are lost. */
export function tellConnections(draft: Draft, warnings: string[]): void {
  const { spec, observed, endpoints, fields } = draft;
  const there = new Set(endpoints.map(({ networkName }) => networkName));
  for (const endpoint of observed?.endpoints.filter(({ byHand }) => byHand !== undefined) ?? []) {
    const label = networkLabel(endpoint);
    if (endpoints.some(({ network, byHand }) => network === endpoint.network && byHand !== undefined)) {
      warnings.push(
        `${spec.name} is on network "${endpoint.networkName}" by hand, of which the stack file says nothing. Disconnect it with: tsstack network disconnect ${endpoint.networkName} ${spec.name}`,
      );
    } else if (!there.has(endpoint.networkName)) {
      const before = endpoint.ipv4 ?? endpoint.ipv6;
      fields.push({ field: `networks.${label}`, before, forcesReplacement: false });
      draft.causes.push(`loses network "${endpoint.networkName}", which it was connected to by hand`);
    }
  }
}
