import type { HostOp } from '../host/op.ts';
import { OWNER } from '../store/paths.ts';

/** Family and name of the one table that holds everything of ours. */
export const TABLE = `inet ${OWNER}`;

/** A member of a set (`{ key }`) or of a map (`{ key : value }`). */
export interface Element {
  readonly set: string;
  readonly text: string;
}

export function addElements(elements: readonly Element[]): readonly HostOp[] {
  const lines = elements.map((element) => `add element ${TABLE} ${element.set} { ${element.text} }\n`);
  return lines.length === 0 ? [] : [{ op: 'nft', script: lines.join('') }];
}

/**
 * Removes elements, also those that are gone already: nft before 1.0.7 (Debian 12 has 1.0.6) can't delete what is
 * absent, but adding what is present is no error and both happen in one transaction.
 */
export function deleteElements(elements: readonly Element[]): readonly HostOp[] {
  const lines = elements.flatMap((element) => [
    `add element ${TABLE} ${element.set} { ${element.text} }\n`,
    `delete element ${TABLE} ${element.set} { ${element.text} }\n`,
  ]);
  return lines.length === 0 ? [] : [{ op: 'nft', script: lines.join(''), tolerate: 'absent' }];
}

/** nft takes names of interfaces as strings; ours hold nothing that needs escaping. */
export function quoted(name: string): string {
  return `"${name}"`;
}
