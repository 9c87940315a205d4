import type { ContainerMount, ContainerSpec } from '../model/container.ts';
import type { OnChange } from '../model/mounts.ts';
import type { FieldChange } from '../model/plan.ts';
import { filesByName } from './files.ts';
import { isRecord, member } from './record.ts';

/** What the container gets to know of changed contents: a restart, or signals. */
export interface Reaction {
  readonly restart: boolean;
  readonly signals: readonly string[];
}

interface Item {
  readonly content?: string;
  readonly onChange?: OnChange;
}

/** Mounts and files as plans name them, with what their contents ask for. */
export function listsByName(spec: ContainerSpec): Pick<ContainerSpec, never> & {
  readonly mounts: Readonly<Record<string, ContainerMount>>;
  readonly files: ReturnType<typeof filesByName>;
} {
  const mounts = Object.fromEntries(spec.mounts.map((mount) => [mount.target, mount]));
  return { ...spec, mounts, files: filesByName(spec.files) };
}

/** A change of mounts or files with what `x-on-change` says about it; undefined where it is none. */
export function softenChange(change: FieldChange, after: ContainerSpec): FieldChange | undefined {
  const [, list, name = '', part] = /^(mounts|files)\.(.*)\.(content|onChange)$/.exec(change.field) ?? [];
  if (list === undefined) return change;
  if (part === 'onChange') return { ...change, forcesReplacement: false };
  const item: Item | undefined = member<Item>(listsByName(after)[list as 'mounts' | 'files'], name);
  const told = item?.onChange ?? 'replace';
  const { field, before, after: wanted } = change;
  // Content that was not looked at before, or no longer is, says nothing of a change.
  if (told === 'ignore' || before === undefined || wanted === undefined) return undefined;
  return list === 'files'
    ? { ...change, forcesReplacement: told === 'replace' }
    : { field, forcesReplacement: told === 'replace' };
}

/** What changed contents ask for that do not replace the container. */
export function reactionTo(before: ContainerSpec, after: ContainerSpec): Reaction {
  const wanted = new Set<OnChange>();
  for (const list of ['mounts', 'files'] as const) {
    const old: Readonly<Record<string, Item>> = listsByName(before)[list];
    for (const [name, item] of Object.entries<Item>(listsByName(after)[list])) {
      const content = member(old, name)?.content;
      const changed = content !== undefined && item.content !== undefined && content !== item.content;
      if (changed && item.onChange !== undefined) wanted.add(item.onChange);
    }
  }
  const restart = wanted.has('restart');
  const signals = [...wanted].flatMap((each) => (each.startsWith('signal:') ? each.slice('signal:'.length) : []));
  return { restart, signals: restart ? [] : signals.sort() };
}

/** What a container that stays has of files whose change is ignored: the content that it was made with. */
export function keepIgnored(observed: ContainerSpec, spec: ContainerSpec): ContainerSpec {
  if (spec.files === undefined) return spec;
  const old = filesByName(observed.files);
  const kept = Object.entries(filesByName(spec.files)).map(([name, file]) =>
    file.onChange === 'ignore' ? { ...file, content: member(old, name)?.content ?? file.content } : file,
  );
  return { ...spec, files: kept };
}

export function isContentChange({ field, before, after }: FieldChange): boolean {
  return field.endsWith('.content') && !isRecord(before) && !isRecord(after);
}
