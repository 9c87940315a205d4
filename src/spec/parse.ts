import { createRequire } from 'node:module';
import type { Diagnostics } from './diagnose.ts';
import type { SpecNode } from './node.ts';
import { readQuickly } from './quick/read.ts';
import type { Source } from './source.ts';

/**
 * YAML 1.2 core text (and merge keys) to nodes with places. Problems are added to `diagnostics`: 'broken' when there is
 * no telling what the text means; a smaller one, such as an unknown tag, sets its value aside. Undefined when the file
 * holds nothing.
 */
export function parseYaml(source: Source, diagnostics: Diagnostics): SpecNode | 'broken' | undefined {
  return readQuickly(source) ?? fullParser().parseFully(source, diagnostics);
}

/** Loaded when a file first needs it: that takes longer than reading a hundred services quickly. */
function fullParser(): typeof import('./parse-fully.ts') {
  // A bundler replaces the first call; without one a module has no `require` of its own.
  if (typeof require === 'function') return require('./parse-fully.ts');
  return createRequire(import.meta.filename)('./parse-fully.ts');
}
