import type { MergeTag, SpecNode } from './node.ts';

/** A tag that is understood. */
export interface Tag {
  readonly merge?: MergeTag;
  /** Full name of a standard tag that decides what a scalar is; empty for `!`, which makes it a string. */
  readonly type?: string;
  /** As written. */
  readonly text: string;
}

const prefix = 'tag:yaml.org,2002:';
const kinds: Readonly<Record<string, SpecNode['kind']>> = {
  str: 'scalar',
  int: 'scalar',
  float: 'scalar',
  bool: 'scalar',
  null: 'scalar',
  merge: 'scalar',
  seq: 'seq',
  map: 'map',
};

/** What a tag in front of a value of some kind says; undefined when it says nothing that a stack file may. */
export function readTag(text: string, kind: SpecNode['kind']): Tag | undefined {
  if (text === '!reset' || text === '!override') return { merge: text === '!reset' ? 'reset' : 'override', text };
  if (text === '!') return { type: '', text };
  const full = text.startsWith('!<') ? text.slice(2, -1) : text.startsWith('!!') ? prefix + text.slice(2) : '';
  const name = full.startsWith(prefix) ? full.slice(prefix.length) : '';
  if (!Object.hasOwn(kinds, name) || kinds[name] !== kind) return undefined;
  return kind === 'scalar' && name !== 'merge' ? { type: full, text } : { text };
}
