import { networkAddress } from '../model/address.ts';
import type { Endpoint, PublishedPort } from '../model/container.ts';
import type { FieldChange, ResourceChange } from '../model/plan.ts';
import { describeLink } from '../model/shape.ts';
import { causeOf } from './container-steps.ts';
import { costsData, diffVolume } from './diff.ts';
import { addressOf, compareSpecs, type Draft } from './draft.ts';
import { isContentChange } from './on-change.ts';
import type { Decisions } from './steps.ts';

/** What happens to each resource: networks, volumes, containers, each by name. */
export function resourceChanges({ networks, volumes, drafts, removals }: Decisions): readonly ResourceChange[] {
  const changedNetworks = [
    ...[...networks.decisions.values()].flatMap(({ action, spec, cause, fields }) =>
      action === 'keep' ? [] : { address: networkAddress(spec.key), action, cause, fields },
    ),
    ...networks.removals.map((spec) => ({
      address: networkAddress(spec.key),
      action: 'remove' as const,
      cause: 'no longer used by the stack',
      fields: [],
    })),
  ].sort((left, right) => (left.address < right.address ? -1 : 1));
  const containers = [
    ...drafts.map((draft) => ({ spec: draft.spec, change: draftChange(draft) })),
    ...removals.map(({ observed: { spec }, cause }) => ({
      spec,
      change: { address: addressOf(spec), action: 'remove' as const, cause, fields: [] },
    })),
  ].sort((left, right) => compareSpecs(left.spec, right.spec));
  return [
    ...changedNetworks,
    ...volumes.map(({ address, volume, before, action, cause }) => ({
      address,
      action,
      cause,
      fields:
        action === 'create'
          ? [{ field: 'name', after: volume.name, forcesReplacement: false }]
          : before === undefined
            ? []
            : diffVolume(before, volume).map((field) => ({ ...field, forcesReplacement: costsData(field) })),
    })),
    ...containers.flatMap(({ change }) => change ?? []),
  ];
}

function draftChange(draft: Draft): ResourceChange | undefined {
  const { spec, action, fields, startCause } = draft;
  const address = addressOf(spec);
  const cause = causeOf(draft);
  if (action === 'create') return { address, action, cause, fields: mainFields(draft) };
  // Nothing but a file changed, and a restart is all there is to it.
  if (action === 'update' && draft.restart && fields.every(isContentChange)) {
    return { address, action: 'start', cause, fields };
  }
  if (action !== 'keep') {
    const told =
      draft.signals.length > 0 && action === 'update' ? `${cause}; told by ${draft.signals.join(', ')}` : cause;
    return { address, action, cause: told, fields };
  }
  return startCause === undefined ? undefined : { address, action: 'start', cause, fields: [] };
}

/** Of a new container what a user wants to know of it, not every default. */
function mainFields({ spec, endpoints, ports }: Draft): readonly FieldChange[] {
  const fields: readonly (readonly [string, unknown])[] = [
    ['image', spec.image.id],
    ['argv', spec.argv],
    ...spec.mounts.flatMap(({ target, imageId }) =>
      imageId === undefined ? [] : [[`mounts.${target}.imageId`, imageId] as const],
    ),
    ...endpoints.flatMap(({ network, ipv4, ipv6, shape }: Endpoint) => [
      [`networks.${network}`, ipv4 ?? ipv6] as const,
      ...(shape === undefined ? [] : [[`networks.${network}.shape`, describeLink(shape)] as const]),
    ]),
    ...(ports.length > 0 ? [['ports', ports as readonly PublishedPort[]] as const] : []),
  ];
  return fields.map(([field, after]) => ({ field, after, forcesReplacement: false }));
}
