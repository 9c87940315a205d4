import type { ContainerSpec } from '../model/container.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { member } from './record.ts';

/** The changes, each with the file that it is in where that is not the stack file. */
export function withFiles(stack: Stack, spec: ContainerSpec, changes: readonly FieldChange[]): readonly FieldChange[] {
  return changes.map((change) => {
    const file = fileOf(stack, spec, change.field);
    return file === undefined ? change : { ...change, file };
  });
}

/**
 * Why a container changes, in words: the stack file, an image that is another one under the same name, the files that the
 * changes are in.
 */
export function changeCause(changes: readonly FieldChange[]): string {
  const files = [...new Set(changes.flatMap(({ file }) => file ?? []))].sort();
  const renewed = renewedImages(changes);
  const own = changes.filter(({ field, file }) => file === undefined && !isOfImage(renewed, field));
  return [
    ...(own.length > 0 ? ['changed in the stack file'] : []),
    ...(renewed.includes('image') ? ['its image is a new one'] : []),
    ...(renewed.some((place) => place !== 'image') ? ['an image that it mounts is a new one'] : []),
    ...(files.length > 0 ? [`changed: ${files.join(', ')}`] : []),
  ].join('; ');
}

/**
 * `image`, and `mounts./data` for what is mounted, where something else is behind the name in the stack file: built, pulled
 * or loaded anew.
 */
function renewedImages(changes: readonly FieldChange[]): readonly string[] {
  const isNamedAnew = (place: string): boolean => changes.some(({ field }) => field.startsWith(place));
  return changes.flatMap(({ field }) => {
    if (field === 'image.id') return isNamedAnew('image.source') ? [] : ['image'];
    const [, mount] = /^(mounts\..*)\.imageId$/.exec(field) ?? [];
    return mount === undefined || isNamedAnew(`${mount}.image.`) ? [] : [mount];
  });
}

/** What an image says for a container where the stack file says nothing. */
const BY_IMAGE = /^(argv|env|workingDir|user|labels|stopSignal|healthcheck)(\.|$)/;

/** With a new image its configuration may be new, too. */
function isOfImage(renewed: readonly string[], field: string): boolean {
  if (renewed.some((place) => field === `${place}.id` || field === `${place}.imageId`)) return true;
  return renewed.includes('image') && BY_IMAGE.test(field);
}

function fileOf(stack: Stack, spec: ContainerSpec, field: string): string | undefined {
  const origin = member(member(stack.services, spec.key.service)?.origins ?? {}, field);
  if (origin !== undefined) return origin;
  const [, list, name = ''] = /^(configs|secrets|mounts)\.(.*)\.content$/.exec(field) ?? [];
  if (list === 'mounts') {
    const mount = spec.mounts.find(({ target }) => target === name);
    return mount?.type === 'bind' ? mount.source : undefined;
  }
  if (list !== 'configs' && list !== 'secrets') return undefined;
  // One that is there twice is named with its second target.
  const source = member(stack[list] ?? {}, name) ?? member(stack[list] ?? {}, name.split(' ')[0] ?? '');
  return source?.type === 'file' ? source.path : undefined;
}
