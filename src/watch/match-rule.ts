import { basename, matchesGlob, relative } from 'node:path';
import type { WatchRule } from '../model/stack.ts';

/**
 * Where a changed file goes by a rule: its path in the container, `''` for rules without a target; undefined when the
 * rule is not about it. `ignore` and `include` are globs below the rule's path, as Compose's develop.watch has them.
 */
export function matchRule(rule: WatchRule, path: string): string | undefined {
  const below = relative(rule.path, path);
  if (below === '..' || below.startsWith('../')) return undefined;
  if (rule.ignore.some((pattern) => matches(below, pattern))) return undefined;
  if (rule.include.length > 0 && !rule.include.some((pattern) => matches(below, pattern))) return undefined;
  if (rule.target === undefined) return '';
  if (below !== '') return `${rule.target.replace(/\/$/, '')}/${below}`;
  return rule.target.endsWith('/') ? `${rule.target}${basename(path)}` : rule.target;
}

/** A pattern matches at any depth, one of a directory everything in it. */
function matches(path: string, pattern: string): boolean {
  const clean = pattern.replace(/^\.?\//, '').replace(/\/$/, '');
  return [`**/${clean}`, `**/${clean}/**`].some((glob) => matchesGlob(path, glob));
}
