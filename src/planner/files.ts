import type { ContainerFile } from '../model/container.ts';
import type { FileMount } from '../model/mounts.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Service } from '../model/stack.ts';

/** Tells contents of configs and secrets apart; a plan holds no content. */
export type ContentHash = (file: Pick<FileMount, 'kind' | 'source'>) => string;

/** Configs and secrets of a service's containers, by target: another order is no change. Absent: none. */
export function filesOf(
  { files = [] }: Service,
  contentHash: ContentHash = () => '',
): { files?: readonly ContainerFile[] } {
  if (files.length === 0) return {};
  const sorted = [...files].sort((left, right) => (left.target < right.target ? -1 : 1));
  return { files: sorted.map((file) => ({ ...file, content: contentHash(file) })) };
}

/** By what people call them, `secrets.token`; one that is there twice also by its second target. */
export function filesByName(files: readonly ContainerFile[] = []): Readonly<Record<string, ContainerFile>> {
  const result: Record<string, ContainerFile> = Object.create(null);
  for (const file of files) {
    const name = `${file.kind}s.${file.source}`;
    result[Object.hasOwn(result, name) ? `${name} ${file.target}` : name] = file;
  }
  return result;
}

/** `files.secrets.token.content` becomes `secrets.token.content`, and says nothing of what it was and is. */
export function nameFileChange(change: FieldChange): FieldChange {
  if (!change.field.startsWith('files.')) return change;
  const field = change.field.slice('files.'.length);
  const { before, after, forcesReplacement } = change;
  if (field.endsWith('.content') && typeof before === 'string' && typeof after === 'string') {
    return { field, forcesReplacement };
  }
  const shown = field.endsWith('.mode') ? modeText : targetOf;
  return {
    field,
    ...(before !== undefined && { before: shown(before) }),
    ...(after !== undefined && { after: shown(after) }),
    forcesReplacement,
  };
}

function modeText(mode: unknown): unknown {
  return typeof mode === 'number' ? `0${mode.toString(8)}` : targetOf(mode);
}

/** A whole file is shown by its place. */
function targetOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'target' in value ? value.target : value;
}
