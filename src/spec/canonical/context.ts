import { hasAside } from '../aside.ts';
import type { Diagnostics, Problem, ProblemCode } from '../diagnose.ts';
import { dotted, locate, nodeAt, type Path, type SpecNode } from '../node.ts';
import type { PathBase } from '../paths.ts';
import type { Scope } from '../source.ts';

/** What a canonicaliser may know beside the value. */
export interface Context {
  readonly root: SpecNode;
  readonly diagnostics: Diagnostics;
  readonly home: string;
  /** Of the stack files themselves. */
  readonly scope: Scope;
  /** Whether parts come from files with a scope of their own. */
  readonly scoped: boolean;
  /** Where an item of a list that a short form was expanded into was written. */
  readonly places: WeakMap<object, Place>;
  /** By service: files that values came from, `env.PORT` → absolute path. */
  readonly origins: Map<string, Record<string, string>>;
  /** Ports that short forms were expanded into so far. */
  ports: number;
}

/** A place in the tree: a chain instead of an array, so that going one step down costs nothing. */
export interface Place {
  readonly context: Context;
  readonly parent?: Place;
  readonly step: string | number;
}

export function rootPlace(context: Context): Place {
  return { context, step: '' };
}

export function at(parent: Place, step: string | number): Place {
  return { context: parent.context, parent, step };
}

export function pathOf(place: Place): Path {
  const path: (string | number)[] = [];
  for (let each = place; each.parent !== undefined; each = each.parent) path.unshift(each.step);
  return path;
}

export function nameOf(place: Place): string {
  return dotted(pathOf(place));
}

/** Where the words at a path were written, for what they mean there. */
export function scopeAt({ root, scope, scoped }: Context, path: () => Path): Scope {
  return scoped ? (locate(root, path()).source.scope ?? scope) : scope;
}

/** What a path that is written at a place is relative to. */
export function baseOf(place: Place): PathBase {
  const { context } = place;
  return { directory: scopeAt(context, () => pathOf(place)).directory, home: context.home };
}

export interface Complaint {
  readonly code?: ProblemCode;
  readonly message: string;
  readonly hint?: Problem['hint'];
  readonly severity?: 'error' | 'warning';
  /** Marks the key instead of the value. */
  readonly key?: boolean;
}

/**
 * Adds a diagnostic at a place; `value.range` unless another code is given. That something is missing is not said of a
 * value of which a part was set aside.
 */
export function complain(place: Place, complaint: Complaint): void {
  const { root } = place.context;
  const path = pathOf(place);
  if (complaint.code === 'schema.missing') {
    const node = nodeAt(root, path);
    if (node !== undefined && hasAside(node)) return;
  }
  const origin = locate(root, path, { key: complaint.key === true });
  place.context.diagnostics.add({ code: 'value.range', ...complaint, origin });
}
