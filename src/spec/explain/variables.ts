import type { Origin } from '../source.ts';
import { type Lookup, substitute, TemplateError, type VariableUse, variableUses } from '../template.ts';
import type { Trail } from '../trail.ts';

/** A variable that a value was filled in from. */
export interface Variable {
  readonly name: string;
  /** Absent when it is not set. */
  readonly value?: string;
  /** `default`: what its template says was taken instead. `name`: it is the name of the stack. */
  readonly from: 'environment' | 'file' | 'name' | 'default' | 'unset';
  /** The line of `from: file`. */
  readonly origin?: Origin;
  /** What its template gives where it is not set, as written. */
  readonly fallback?: string;
}

export interface VariableSources {
  readonly trail: Trail;
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The variables that decide what a text becomes, in its order; those of branches that were not taken are left out. */
export function variablesIn(text: string, lookup: Lookup, sources: VariableSources): readonly Variable[] {
  if (!text.includes('$')) return [];
  const asked = new Set<string>();
  const noting: Lookup = (name) => {
    asked.add(name);
    return lookup(name);
  };
  try {
    substitute(text, noting);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
  }
  const uses = new Map(variableUses(text).map((use) => [use.token, use]));
  return [...uses.values()].filter(({ name }) => asked.has(name)).map((use) => resolved(use, lookup, sources));
}

function resolved(use: VariableUse, lookup: Lookup, sources: VariableSources): Variable {
  const variable = variableNamed(use.name, lookup, sources);
  const { value } = variable;
  const takes = use.operator === '-' ? value === undefined : use.operator === ':-' && !value;
  return takes ? { ...variable, from: 'default', fallback: use.word } : variable;
}

/** What a name stands for, and who set it: the caller's environment before files, outer files before inner. */
export function variableNamed(name: string, lookup: Lookup, sources: VariableSources): Variable {
  const value = lookup(name);
  if (value === undefined) return { name, from: 'unset' };
  const { trail, env } = sources;
  let current = lookup;
  for (let behind = trail.behindOf(current); behind !== undefined; behind = trail.behindOf(current)) {
    if (behind.outer(name) === undefined) return fromFile(name, value, trail.definitionsOf(behind.values, name));
    current = behind.outer;
  }
  if (name === 'COMPOSE_PROJECT_NAME') return { name, value, from: 'name' };
  if (Object.hasOwn(env, name)) return { name, value, from: 'environment' };
  return fromFile(name, value, trail.definitionsOf(trail.projectFiles, name));
}

function fromFile(name: string, value: string, lines: readonly Origin[]): Variable {
  const origin = lines.at(-1);
  return origin === undefined ? { name, value, from: 'file' } : { name, value, from: 'file', origin };
}
