import { stableHash } from '../lib/stable-json.ts';
import type { ContainerKey } from '../model/address.ts';
import type { ContainerMount, ContainerSpec } from '../model/container.ts';
import type { ImageConfig } from '../model/image.ts';
import type { Mount } from '../model/mounts.ts';
import type { Service, Stack } from '../model/stack.ts';
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
