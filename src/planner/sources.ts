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

/** Why a container changes, in words: the files that the changes are in, or the stack file. */
export function changeCause(changes: readonly FieldChange[]): string {
  const files = [...new Set(changes.map(({ file }) => file))];
  const other = files.filter((file) => file !== undefined).sort();
  const own = files.length > other.length ? ['changed in the stack file'] : [];
  return [...own, ...(other.length > 0 ? [`changed: ${other.join(', ')}`] : [])].join('; ');
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
