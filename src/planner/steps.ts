import { imageAddress } from '../model/address.ts';
import { mountedImages } from '../model/container.ts';
import type { ImageInfo } from '../model/image.ts';
import type { ObservedContainer } from '../model/observed.ts';
import type { RollingUpdate, Step } from '../model/plan.ts';
import { type ContainerDecisions, causeOf, containerSteps, starts, unpackId, unpackIds } from './container-steps.ts';
import { addressOf } from './draft.ts';
import { isMadeAnew } from './drafts.ts';
import { type Ending, endSteps } from './end-steps.ts';
import type { NetworkPlan } from './network-decision.ts';
import { networkSteps } from './network-steps.ts';
import { sortSteps } from './order.ts';
import { rolloutSteps } from './rollout.ts';
import { stepId } from './step-id.ts';
import type { VolumeDraft } from './volumes.ts';

/** Everything that was decided for `up`. */
export interface Decisions extends Omit<ContainerDecisions, 'volumes'> {
  readonly updates: readonly RollingUpdate[];
  readonly bystanders: readonly ObservedContainer[];
  readonly networks: NetworkPlan;
  /** Volumes to create and to mount again. */
  readonly volumes: readonly VolumeDraft[];
  readonly images: Readonly<Record<string, ImageInfo>>;
  /** Time to stop; absent: each service's own. */
  readonly timeoutMs?: number | undefined;
}

/**
 * The steps of `up`, in order. They can't wait for each other, since whatever a step waits for is of an earlier kind:
 * unpack and create volumes, stop, remove containers, renew volumes, remove networks that others take the place of, create networks,
 * update (in an order without circles, `planHandover`), create, start, remove networks that nobody needs.
 */
export function upSteps(decisions: Decisions): readonly Step[] {
  const { drafts, removals, bystanders, volumes } = decisions;
  const there = [...removals, ...drafts].flatMap(({ observed }) => observed ?? []);
  const created = volumes.map(createVolumeStep);
  return sortSteps([
    ...unpackSteps(decisions),
    ...removeVolumeSteps(volumes),
    ...created,
    ...endSteps(endings(decisions), [...there, ...bystanders]),
    ...networkSteps(decisions.networks, drafts, removals),
    ...containerSteps({ ...decisions, volumes: new Map(created.map(({ id, volume }) => [volume.name, id])) }),
    ...rolloutSteps(decisions.updates, drafts),
  ]);
}

function createVolumeStep(draft: VolumeDraft): Step & { readonly type: 'create-volume' } {
  const { address, volume, cause, action } = draft;
  const dependsOn = action === 'replace' ? [stepId('remove', address)] : [];
  return { type: 'create-volume', id: stepId('create', address), address, cause, dependsOn, volume };
}

/** The old volume goes when its container has gone. */
function removeVolumeSteps(drafts: readonly VolumeDraft[]): readonly Step[] {
  return drafts.flatMap(({ address, volume, before = volume, cause, action, after = [] }) =>
    action === 'replace'
      ? { type: 'remove-volume', id: stepId('remove', address), address, cause, dependsOn: after, volume: before }
      : [],
  );
}

/** Images of containers that are made or going to run and aren't unpacked yet, once each. */
function unpackSteps({ drafts, images, imageKey }: Decisions): readonly Step[] {
  const steps = new Map<string, Step>();
  const wanted = drafts.filter((draft) => isMadeAnew(draft) || starts(draft));
  const used = wanted.flatMap(({ spec }) => [
    spec.image,
    ...mountedImages(spec),
    ...(spec.preStart ?? []).flatMap(({ image }) => image ?? []),
  ]);
  for (const { source, id: imageId } of used) {
    const key = imageKey(source);
    if (images[key]?.unpacked !== false || steps.has(key)) continue;
    const address = imageAddress(key);
    steps.set(key, {
      type: 'unpack-image',
      id: unpackId(key),
      address,
      cause: 'not unpacked yet',
      dependsOn: [],
      source,
      imageId,
    });
  }
  return [...steps].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, step]) => step);
}

/** A replaced container is stopped only when the image of the next one is there. */
function endings({ drafts, removals, imageKey, timeoutMs }: Decisions): readonly Ending[] {
  return [
    ...removals.map(({ observed, cause }) => {
      // Its successor gets the published ports, should they still lead to this one.
      const after = observed.role === undefined ? [] : [stepId('update', addressOf(observed.spec))];
      return { observed, cause, keep: false, removeVolumes: false, timeoutMs, after };
    }),
    ...drafts.flatMap((draft) => {
      const { observed, action, restart, spec, rollout, startFirst } = draft;
      if (observed === undefined || (action !== 'replace' && !restart)) return [];
      const cause = action === 'replace' ? causeOf(draft) : (draft.startCause ?? '');
      const after = startFirst
        ? [stepId('drain', addressOf(spec))]
        : [...unpackIds(spec, imageKey), ...[rollout?.after ?? []].flat()];
      const update = rollout === undefined ? {} : { update: spec.key.service };
      return { observed, cause, keep: action !== 'replace', removeVolumes: false, timeoutMs, after, ...update };
    }),
  ];
}
