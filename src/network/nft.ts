import type { HostOp } from '../host/op.ts';
import { TsstackError } from '../model/error.ts';
import { OWNER } from '../store/paths.ts';

/** Family and name of the table that judges packets. The one of frames is in guard.ts. */
export const TABLE = `inet ${OWNER}`;

/** A member of a set (`{ key }`) or of a map (`{ key : value }`). */
export interface Element {
  /** Family and name of the table; absent: `TABLE`. */
  readonly table?: string;
  readonly set: string;
  readonly text: string;
}

export interface Chain {
  readonly name: string;
  /** Absent: other chains jump to it. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** A table with rules that are the same on every machine, and sets whose members come and go. */
export interface RulesTable {
  /** Family and name. */
  readonly name: string;
  /** `set NAME { TYPE }` or `map NAME { TYPE }`. */
  readonly sets: readonly string[];
  readonly chains: readonly Chain[];
}

/**
 * Makes a table, or brings its rules up to date in one transaction and leaves the members of its sets alone.
 * Chains are filled anew; between two states no packet sees half of it.
 */
export function tableScript({ name: table, sets, chains }: RulesTable): string {
  const lines = [`add table ${table}`];
  for (const set of sets) lines.push(`add ${set.replace(' ', ` ${table} `)}`);
  // First all of them: a rule can't lead to a chain that is not there.
  for (const { name, hook } of chains) {
    lines.push(`add chain ${table} ${name}${hook === undefined ? '' : ` { ${hook}; policy accept; }`}`);
    lines.push(`flush chain ${table} ${name}`);
  }
  for (const { name, rules } of chains) for (const rule of rules) lines.push(`add rule ${table} ${name} ${rule}`);
  return `${lines.join('\n')}\n`;
}

/** Deletes a table with all that is in it; absent is fine. */
export function deleteTableScript({ name }: RulesTable): string {
  return `add table ${name}\ndelete table ${name}\n`;
}

export function addElements(elements: readonly Element[]): readonly HostOp[] {
  const lines = elements.map((element) => `add ${words(element)}`);
  return lines.length === 0 ? [] : [{ op: 'nft', script: lines.join('') }];
}

/**
 * Removes elements, also those that are gone already: nft before 1.0.7 (Debian 12 has 1.0.6) can't delete what is
 * absent, but adding what is present is no error and both happen in one transaction.
 */
export function deleteElements(elements: readonly Element[]): readonly HostOp[] {
  const lines = elements.flatMap((element) => [`add ${words(element)}`, `delete ${words(element)}`]);
  return lines.length === 0 ? [] : [{ op: 'nft', script: lines.join(''), tolerate: 'absent' }];
}

/** What keys and values of our sets are made of: names of interfaces, addresses, ports, and what stands between them. */
const ELEMENT = /^[A-Za-z0-9_.:/*@%+ "-]+$/;

/** Nothing that somebody has written can end an element and begin a command. Throws `internal`. */
function words({ table = TABLE, set, text }: Element): string {
  if (!ELEMENT.test(text)) {
    throw new TsstackError('internal', `${JSON.stringify(text)} cannot be an element of the nft set ${set}`);
  }
  return `element ${table} ${set} { ${text} }\n`;
}

/** nft takes names of interfaces as strings; ours hold nothing that needs escaping. */
export function quoted(name: string): string {
  return `"${name}"`;
}
