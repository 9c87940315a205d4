import { createRequire } from 'node:module';
import type { Document, YAMLError } from 'yaml';
import type { Problem } from './diagnose.ts';
import { type LenientEvents, lenientEvents } from './lenient-events.ts';
import type { Source } from './source.ts';

/** Longer texts are not read a second time. */
const mostReread = 256 * 1024;
const options = { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false } as const;

/** A text as the second reader sees it: its mistakes, or, when it finds none, what it holds. */
export type Reread = { readonly problems: readonly Problem[] } | LenientEvents;

/**
 * Reads a text that the parser refused with the package that recovers and goes on: for every mistake and a better word
 * on each, and for what is not quite YAML but is written all the same (a flow collection whose lines are indented less
 * than its parent). It is several times slower, so it is loaded for such a text only. Undefined when it must not try.
 */
export function reread(source: Source): Reread | undefined {
  if (source.text.length > mostReread) return undefined;
  const yaml = createRequire(import.meta.filename)('yaml') as typeof import('yaml');
  try {
    const parsed = yaml.parseAllDocuments(source.text, options);
    const documents = Array.isArray(parsed) ? parsed : [];
    const errors = documents.flatMap((document) => document.errors.map((error) => ({ document, error, yaml })));
    if (errors.length > 0) return { problems: errors.map((mistake) => describe(source, mistake)) };
    return lenientEvents(documents, source.text, yaml);
  } catch (error) {
    // It recurses, and a text may be nested deeper behind its first mistake than the stack reaches.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Mistake {
  readonly document: Document.Parsed;
  readonly error: YAMLError;
  readonly yaml: typeof import('yaml');
}

function describe(source: Source, { document, error, yaml }: Mistake): Problem {
  const { code, message } = error;
  const origin = { source, start: error.pos[0], end: error.pos[1] };
  if (code === 'KEY_OVER_1024_CHARS') return longKey(source, origin.start, origin.end);
  if (message.startsWith('Missing closing') && message.endsWith('quote')) {
    const start = openQuote(document, origin.start, yaml);
    const mark = { source, start, end: start + 1 };
    return { code: 'yaml.syntax', message: 'this quote is never closed', origin: mark };
  }
  const indented = code === 'BAD_INDENT' || /column|indent/i.test(message);
  const hint = indented ? 'check the indentation of this line' : undefined;
  return { code: 'yaml.syntax', message: `${message[0]?.toLowerCase()}${message.slice(1)}`, hint, origin };
}

/** YAML allows implicit keys of 1024 characters; names of ours are shorter still. */
export function longKey(source: Source, start: number, end: number): Problem {
  const message = 'this name is too long: the limit is 128 characters';
  return { code: 'schema.pattern', message, origin: { source, start, end } };
}

/** Where the quoted scalar began that was not closed before `end`. */
function openQuote(document: Document.Parsed, end: number, yaml: typeof import('yaml')): number {
  let start = end;
  yaml.visit(document, {
    Scalar(_key, node) {
      const from = node.range?.[0];
      if (node.type?.startsWith('QUOTE') && from !== undefined && from <= end) start = from;
    },
  });
  return start;
}
