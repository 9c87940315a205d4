import type { SpecNode } from './node.ts';
import { type VariableUse, variableUses } from './template.ts';

/** What the files of a stack say about one variable. */
export interface ListedVariable {
  readonly name: string;
  /** One use is `${NAME:?…}` or `${NAME?…}`: the stack does not load without it. */
  readonly required: boolean;
  /** What `:-` or `-` gives, as written; empty where there is none. */
  readonly defaultValue: string;
  /** What `:+` or `+` gives, as written; empty where there is none. */
  readonly alternateValue: string;
}

/**
 * The variables that values of these trees use, before anything is filled in, sorted by name. One that is used several
 * times is required when one use requires it, and has the first default and the first alternate value that is written.
 */
export function variablesOf(trees: readonly SpecNode[]): readonly ListedVariable[] {
  const variables = new Map<string, ListedVariable>();
  for (const tree of trees) collect(tree, variables);
  return [...variables.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Keys hold no variables. */
function collect(node: SpecNode, variables: Map<string, ListedVariable>): void {
  if (node.kind === 'seq') for (const item of node.items) collect(item, variables);
  if (node.kind === 'map') for (const entry of node.entries.values()) collect(entry.node, variables);
  if (node.kind !== 'scalar' || typeof node.value !== 'string' || !node.value.includes('$')) return;
  for (const use of variableUses(node.value)) variables.set(use.name, joined(variables.get(use.name), listed(use)));
}

function listed({ name, operator, word }: VariableUse): ListedVariable {
  return {
    name,
    required: operator?.endsWith('?') === true,
    defaultValue: operator?.endsWith('-') === true ? word : '',
    alternateValue: operator?.endsWith('+') === true ? word : '',
  };
}

function joined(before: ListedVariable | undefined, next: ListedVariable): ListedVariable {
  if (before === undefined) return next;
  return {
    name: next.name,
    required: before.required || next.required,
    defaultValue: before.defaultValue || next.defaultValue,
    alternateValue: before.alternateValue || next.alternateValue,
  };
}
