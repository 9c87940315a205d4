import { stableHash } from '../lib/stable-json.ts';
import { type ContainerKey, imageAddress } from '../model/address.ts';
import type { ContainerMount, ContainerSpec } from '../model/container.ts';
import type { ImageConfig } from '../model/image.ts';
import type { Mount } from '../model/mounts.ts';
import type { ObservedState } from '../model/observed.ts';
import type { ImageSource, Service, Stack } from '../model/stack.ts';
import type { Findings } from './findings.ts';
import { member } from './record.ts';

/**
 * Mounts of one replica, parents before children. Volume sources become real names; volumes that the image declares
 * and the service doesn't cover, and those without a source, become anonymous volumes.
 */
export function mountsOf(stack: Stack, service: Service, image: ImageConfig, key: ContainerKey): readonly Mount[] {
  const byTarget = new Map<string, Mount>();
  for (const path of image.volumes) {
    const target = normalizeTarget(path);
    byTarget.set(target, { type: 'volume', target, readOnly: false, nocopy: false });
  }
  for (const mount of service.mounts) byTarget.set(normalizeTarget(mount.target), mount);
  return [...byTarget]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([target, mount]) => {
      if (mount.type !== 'volume') return mount;
      const source =
        mount.source === undefined
          ? anonymousVolumeName(key, target)
          : (member(stack.volumes, mount.source)?.name ?? mount.source);
      return { ...mount, source };
    });
}

/** `demo_web_1_0123456789ab`: the same target of the same replica finds its data again. */
export function anonymousVolumeName(key: ContainerKey, target: string): string {
  return `${key.stack}_${key.service}_${key.index}_${stableHash(target).slice(0, 12)}`;
}

function normalizeTarget(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

interface ImageContext {
  readonly observed: Pick<ObservedState, 'images'>;
  readonly imageKey: (source: ImageSource) => string;
  readonly findings: Findings;
}

/**
 * What each image that a service mounts is, by its key. undefined: one is not there, which is a conflict.
 */
export function imagesMounted(
  { observed, imageKey, findings }: ImageContext,
  { name, mounts }: Pick<Service, 'name' | 'mounts'>,
): ReadonlyMap<string, string> | undefined {
  const ids = new Map<string, string>();
  let complete = true;
  for (const mount of mounts) {
    if (mount.type !== 'image') continue;
    const key = imageKey(mount.image);
    const image = member(observed.images, key);
    if (image !== undefined) {
      ids.set(key, image.id);
      continue;
    }
    complete = false;
    findings.conflicts.push({
      address: imageAddress(key),
      message: `Cannot mount image "${key}" on ${mount.target} of service "${name}": it was not found`,
      hint: `Check services.${name}.volumes, or fetch it: tsstack pull ${name}`,
    });
  }
  return complete ? ids : undefined;
}

/** The mounts with what their images are. */
export function withImageIds(
  mounts: readonly ContainerMount[],
  ids: ReadonlyMap<string, string>,
  imageKey: ImageContext['imageKey'],
): readonly ContainerMount[] {
  return mounts.map((mount) => {
    const imageId = mount.type === 'image' ? ids.get(imageKey(mount.image)) : undefined;
    return imageId === undefined ? mount : { ...mount, imageId };
  });
}

/** Tells the present content of a bind's source from others. */
export type BindHash = (path: string) => string | undefined;

/** The mounts with the content of those whose change means something (`x-on-change`). */
export function hashBinds(mounts: readonly Mount[], bindHash: BindHash = () => undefined): readonly ContainerMount[] {
  return mounts.map((mount) => {
    if (mount.type !== 'bind' || mount.onChange === undefined || mount.onChange === 'ignore') return mount;
    const content = bindHash(mount.source);
    return content === undefined ? mount : { ...mount, content };
  });
}

/** Which of these volumes a container mounts first. */
export function mountedOf(spec: ContainerSpec | undefined, volumes: ReadonlySet<string>): string | undefined {
  const names = spec?.mounts.flatMap((mount) => (mount.type === 'volume' ? (mount.source ?? []) : [])) ?? [];
  return names.find((name) => volumes.has(name));
}
