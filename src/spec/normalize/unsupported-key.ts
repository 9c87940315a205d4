import type { Dict, Value } from '../node.ts';

/** Why a valid key has no effect; all but `later` will never have one. */
export const reasons = {
  later: ': tsstack does not do this yet',
  windows: ' is for Windows containers and has no meaning on Linux',
  swarm: ' is for a cluster of machines (Swarm) and has no meaning on one machine',
  desktop: ' is for file sharing with a virtual machine on macOS and has no meaning on Linux',
} as const;

export type Reason = keyof typeof reasons;

export interface UnsupportedKey {
  /** Keys from the top of the file on; `*` is any name and any item of a list. */
  readonly path: string;
  readonly reason: Reason;
  /** The values that are concerned; absent: all that say something. `parent` holds the key. */
  readonly when?: (value: Value, parent: Dict, key: string) => boolean;
  /** Instead of the reason's words. */
  readonly says?: (value: Value, parent: Dict) => string;
  /** What to write or do. */
  readonly hint?: string;
  /** Without it the container would not be what the file asks for: nothing is made of such a stack. */
  readonly refused?: true;
}

export const notDone = (value: Value) => `: the value "${String(value)}" is not done yet`;
export const isNot =
  (...done: readonly string[]) =>
  (value: Value) =>
    value !== null && !done.includes(String(value));

export const takeOut = 'take it out';

/** What is said behind the name of the key. */
export function wordsOf({ says, reason }: UnsupportedKey, value: Value, parent: Dict): string {
  return says?.(value, parent) ?? reasons[reason];
}
