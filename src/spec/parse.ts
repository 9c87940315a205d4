import { parseEvents, YAMLException } from 'js-yaml';
import type { Diagnostics, Problem } from './diagnose.ts';
import { Limit } from './limit.ts';
import type { SpecNode } from './node.ts';
import type { Source } from './source.ts';
import { reread } from './syntax.ts';
import { type Parsed, TreeBuilder } from './tree-builder.ts';

/** Levels of nesting that a file may have; real stack files have ten. */
const mostLevels = 100;

/**
 * YAML 1.2 core text (and merge keys) to nodes with places. Problems are added to `diagnostics`: 'broken' when there is
 * no telling what the text means; a smaller one, such as an unknown tag, sets its value aside. Undefined when the file
 * holds nothing.
 */
export function parseYaml(source: Source, diagnostics: Diagnostics): SpecNode | 'broken' | undefined {
  const parsed = parse(source);
  if ('problems' in parsed) {
    for (const problem of parsed.problems) diagnostics.add(problem);
    return 'broken';
  }
  if (parsed.events.length === 0) return undefined;
  const builder = new TreeBuilder(source, parsed, diagnostics);
  try {
    const root = builder.document();
    if (builder.ended) return root ?? 'broken';
    const start = secondDocument(source.text, root);
    const message = 'a second document begins here: a stack file is one document';
    diagnostics.add({ code: 'yaml.multi-document', message, origin: { source, start, end: start + 3 } });
  } catch (error) {
    if (!(error instanceof Limit)) throw error;
    diagnostics.add(error.problem);
  }
  return 'broken';
}

function parse(source: Source): Parsed | { readonly problems: readonly Problem[] } {
  try {
    return { events: parseEvents(source.text, { maxDepth: mostLevels }) };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const start = error.mark?.position ?? 0;
    const origin = { source, start, end: start + 1 };
    if (error.reason.startsWith('nesting exceeded')) {
      const message = `the file is nested too deep: the limit is ${mostLevels} levels`;
      return { problems: [{ code: 'yaml.depth-limit', message, origin }] };
    }
    return reread(source) ?? { problems: [{ code: 'yaml.syntax', message: error.reason, origin }] };
  }
}

/** Where the line `---` behind the first document begins. */
function secondDocument(text: string, first: SpecNode | undefined): number {
  const found = text.indexOf('\n---', first === undefined ? 0 : Math.max(0, first.end - 1));
  return found === -1 ? 0 : found + 1;
}
