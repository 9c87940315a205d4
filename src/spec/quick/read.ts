import { type Entry, entryAt, type SpecNode } from '../node.ts';
import type { Source } from '../source.ts';
import { Cursor, char, isBlank, Unusual } from './cursor.ts';
import { FlowReader } from './flow.ts';
import { Anchors, mergeInto, readKey, readLiteral, readScalar, scalarNode } from './scalar.ts';

/** Control characters, and all blanks and line breaks but the plain ones: YAML and JavaScript differ about them. */
const strange = /[\0-\x09\x0b-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]/;
const mergeKey = /<<(?=: )/y;
const mostLevels = 50;
/** Nodes that aliases may add. */
const mostAliasedNodes = 10_000;

/**
 * Reads the part of YAML that stack files are written in, many times faster than a full parser: block and flow
 * collections, scalars of one line, `|`, anchors, aliases and merge keys, comments. The tree is the one that
 * `parseYaml` makes. Undefined for everything else, also for every error: then the full parser must look at it.
 */
export function readQuickly(source: Source): SpecNode | undefined {
  if (strange.test(source.text)) return undefined;
  try {
    return new BlockReader(new Cursor(source)).document();
  } catch (error) {
    if (error instanceof Unusual) return undefined;
    throw error;
  }
}

class BlockReader {
  readonly #cursor: Cursor;
  readonly #anchors = new Anchors(mostAliasedNodes);
  readonly #flow: FlowReader;
  #levels = 0;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#flow = new FlowReader(cursor, this.#anchors);
  }

  document(): SpecNode {
    const cursor = this.#cursor;
    if (cursor.text.startsWith('---\n')) cursor.at = 3;
    cursor.skipSpaces();
    if (cursor.code === char.newline || cursor.code === char.hash) cursor.nextLine();
    if (cursor.done || cursor.column !== 0) cursor.unusual();
    const root = this.#block();
    if (!cursor.done) cursor.unusual();
    return root;
  }

  /** The collection that begins here; afterwards the cursor stands at the next line that does not belong to it. */
  #block(): SpecNode {
    if (++this.#levels > mostLevels) this.#cursor.unusual();
    const node = this.#isItem() ? this.#list() : this.#map();
    this.#levels--;
    return node;
  }

  #isItem(): boolean {
    const { text, at, code } = this.#cursor;
    return code === char.dash && isBlank(text.charCodeAt(at + 1));
  }

  #map(): SpecNode {
    const cursor = this.#cursor;
    const indent = cursor.column;
    const start = cursor.at;
    const entries = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    do {
      const keyStart = cursor.at;
      if (cursor.take(mergeKey) !== undefined) {
        cursor.at++;
        mergeInto(merged, this.#value(indent, true), cursor);
        continue;
      }
      const { name, end } = readKey(cursor) ?? cursor.unusual();
      if (entries.has(name)) cursor.unusual();
      entries.set(name, entryAt({ source: cursor.source, start: keyStart, end }, this.#value(indent, true)));
    } while (this.#continues(indent));
    for (const [name, entry] of merged) if (!entries.has(name)) entries.set(name, entry);
    return { kind: 'map', entries, aside: undefined, source: cursor.source, start, end: cursor.at, tag: undefined };
  }

  #list(): SpecNode {
    const cursor = this.#cursor;
    const indent = cursor.column;
    const start = cursor.at;
    const items: SpecNode[] = [];
    do {
      cursor.at++;
      items.push(this.#item(indent));
    } while (this.#continues(indent) && this.#isItem());
    return { kind: 'seq', items, source: cursor.source, start, end: cursor.at, tag: undefined };
  }

  /** Whether the line here is one more of a collection at `indent`. */
  #continues(indent: number): boolean {
    const cursor = this.#cursor;
    if (cursor.done || cursor.column < indent) return false;
    return cursor.column === indent || cursor.unusual();
  }

  /** What stands behind a dash: a value, or the first key of a mapping. */
  #item(indent: number): SpecNode {
    const cursor = this.#cursor;
    const { at } = cursor;
    cursor.skipSpaces();
    const begin = cursor.at;
    if (readKey(cursor) === undefined) {
      cursor.at = at;
      return this.#value(indent, false);
    }
    cursor.at = begin;
    return this.#block();
  }

  /**
   * The value behind a key or dash of a collection at `indent`, the cursor moved to the next line. A list may stand at
   * the indentation of its key.
   */
  #value(indent: number, ofKey: boolean): SpecNode {
    const cursor = this.#cursor;
    const end = cursor.at;
    cursor.skipSpaces();
    const anchor = this.#anchors.take(cursor);
    const { code } = cursor;
    if (code === char.newline || code === char.hash || cursor.done) {
      if (code === char.hash && cursor.at === end) cursor.unusual();
      return this.#below(indent, { ofKey, anchor, end: cursor.at });
    }
    const node = this.#anchors.keep(anchor, this.#inline(code, indent));
    this.#endOfLine();
    return node;
  }

  #inline(code: number, indent: number): SpecNode {
    const cursor = this.#cursor;
    if (code === char.openList || code === char.openMap) return this.#flow.read(indent);
    if (code === char.asterisk) return this.#anchors.alias(cursor);
    return code === char.bar ? readLiteral(cursor, indent) : readScalar(cursor, false);
  }

  /** A collection on the lines below, or nothing. */
  #below(
    indent: number,
    { ofKey, anchor, end }: { ofKey: boolean; anchor: string | undefined; end: number },
  ): SpecNode {
    const cursor = this.#cursor;
    cursor.nextLine();
    if (!cursor.done && (cursor.column > indent || (ofKey && cursor.column === indent && this.#isItem()))) {
      return this.#anchors.keep(anchor, this.#block());
    }
    if (anchor !== undefined) cursor.unusual();
    return scalarNode(cursor, { start: end, end, value: null, text: '' });
  }

  #endOfLine(): void {
    const cursor = this.#cursor;
    const { at } = cursor;
    cursor.skipSpaces();
    const { code } = cursor;
    const comment = code === char.hash && (cursor.at > at || cursor.text.charCodeAt(at - 1) === char.space);
    if (code !== char.newline && !cursor.done && !comment) cursor.unusual();
    cursor.nextLine();
  }
}
