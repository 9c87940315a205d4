import { mapChildren, withAside } from './aside.ts';
import type { Diagnostics } from './diagnose.ts';
import { type Dict, isDict, locate, nodeAt, type Path, type SpecNode, toValue, type Value, valueAt } from './node.ts';
import { type Fault, findFaults } from './validate.ts';

/** A tree that fits the schema, and its value. */
export interface Shaped {
  readonly root: SpecNode;
  readonly value: Dict;
}

/**
 * Checks the shape against schema/stack.schema.json. Every deviation becomes one diagnostic at the exact token; what
 * has one is set aside, so that the rest can be checked further. Undefined if nothing is left.
 */
export function checkShape(root: SpecNode, diagnostics: Diagnostics): Shaped | undefined {
  return check(root, diagnostics, () => true);
}

/**
 * The same for one of several trees that will be merged: what another one may complete is let pass. Gives the tree that
 * is left.
 */
export function checkPartialShape(root: SpecNode, diagnostics: Diagnostics): SpecNode | undefined {
  const counts = (fault: Fault, value: Value) => fault.missing === undefined && valueAt(value, fault.path) !== null;
  return check(root, diagnostics, counts)?.root;
}

function check(
  root: SpecNode,
  diagnostics: Diagnostics,
  counts: (fault: Fault, value: Value) => boolean,
): Shaped | undefined {
  let tree: SpecNode | undefined = root;
  for (let first = true; tree !== undefined; first = false) {
    const value = toValue(tree);
    const faults = findFaults(value).filter((fault) => counts(fault, value));
    if (faults.length === 0) return isDict(value) ? { root: tree, value } : undefined;
    // What is found later follows from what was set aside.
    if (first) report(faults, tree, diagnostics);
    tree = cut(tree, marksOf(faults));
  }
  return undefined;
}

function report(faults: readonly Fault[], tree: SpecNode, diagnostics: Diagnostics): void {
  const meant = new Set(
    faults.flatMap(({ path, meant: key }) => (key === undefined ? [] : [keyOf(path.slice(0, -1), key)])),
  );
  for (const { code, message, hint, path, markKey, missing } of faults) {
    if (missing !== undefined && (meant.has(keyOf(path, missing)) || isAside(tree, path, missing))) continue;
    diagnostics.add({ code, message, hint, origin: locate(tree, path, { key: markKey }) });
  }
}

function keyOf(path: Path, key: string): string {
  return [...path, key].join('\0');
}

function isAside(tree: SpecNode, path: Path, key: string): boolean {
  const node = nodeAt(tree, path);
  return node?.kind === 'map' && node.aside?.includes(key) === true;
}

/** What to set aside, as a tree along the keys. */
interface Marks {
  readonly below: Map<string, Marks>;
  whole: boolean;
  /** Keys that are missing here because they were misspelt. */
  readonly meant: string[];
}

function marksOf(faults: readonly Fault[]): Marks {
  const root = newMarks();
  for (const { path, aside = path, meant } of faults) {
    let marks = root;
    for (const [index, step] of aside.entries()) {
      if (meant !== undefined && index === aside.length - 1) marks.meant.push(meant);
      const next = marks.below.get(String(step)) ?? newMarks();
      marks.below.set(String(step), next);
      marks = next;
    }
    marks.whole = true;
  }
  return root;
}

function newMarks(): Marks {
  return { below: new Map(), whole: false, meant: [] };
}

function cut(node: SpecNode, marks: Marks): SpecNode | undefined {
  if (marks.whole) return undefined;
  if (node.kind === 'scalar') return node;
  const left = mapChildren(node, (child, key) => {
    const inner = marks.below.get(key);
    return inner === undefined ? child : cut(child, inner);
  });
  return withAside(left, marks.meant);
}
