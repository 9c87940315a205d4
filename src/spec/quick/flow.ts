import { type Entry, entryAt, type SpecNode } from '../node.ts';
import { type Cursor, char } from './cursor.ts';
import { type Anchors, readKey, readScalar } from './scalar.ts';

/** Levels that are read quickly; what is nested deeper goes to the full parser, which has a limit. */
const mostLevels = 50;

/** Reads `[…]` and `{…}`, over several lines if they are indented deeper than `indent`. */
export class FlowReader {
  readonly #cursor: Cursor;
  readonly #anchors: Anchors;
  #indent = 0;
  #levels = 0;

  constructor(cursor: Cursor, anchors: Anchors) {
    this.#cursor = cursor;
    this.#anchors = anchors;
  }

  read(indent: number): SpecNode {
    this.#indent = indent;
    this.#levels = 0;
    return this.#value();
  }

  #value(): SpecNode {
    const cursor = this.#cursor;
    const anchor = this.#anchors.take(cursor);
    const { code } = cursor;
    if (code === char.asterisk) return this.#anchors.alias(cursor);
    if (code !== char.openList && code !== char.openMap) {
      const node = this.#anchors.keep(anchor, readScalar(cursor, true));
      // Behind a quotation mark a colon needs no blank to make a key.
      if (cursor.code === char.colon) cursor.unusual();
      return node;
    }
    if (++this.#levels > mostLevels) cursor.unusual();
    const start = cursor.at++;
    const node = this.#anchors.keep(anchor, code === char.openList ? this.#list(start) : this.#map(start));
    this.#levels--;
    return node;
  }

  #list(start: number): SpecNode {
    const cursor = this.#cursor;
    const items: SpecNode[] = [];
    while (this.#more(char.closeList)) {
      items.push(this.#value());
      this.#afterItem(char.closeList);
    }
    return { kind: 'seq', items, source: cursor.source, start, end: cursor.at, tag: undefined };
  }

  #map(start: number): SpecNode {
    const cursor = this.#cursor;
    const entries = new Map<string, Entry>();
    while (this.#more(char.closeMap)) {
      const keyStart = cursor.at;
      const { name, end } = readKey(cursor) ?? cursor.unusual();
      if (entries.has(name)) cursor.unusual();
      this.#skip();
      entries.set(name, entryAt({ source: cursor.source, start: keyStart, end }, this.#value()));
      this.#afterItem(char.closeMap);
    }
    return { kind: 'map', entries, aside: undefined, source: cursor.source, start, end: cursor.at, tag: undefined };
  }

  /** Whether an item begins here; else the closing bracket is passed. */
  #more(close: number): boolean {
    this.#skip();
    if (this.#cursor.code !== close) return true;
    this.#cursor.at++;
    return false;
  }

  #afterItem(close: number): void {
    this.#skip();
    if (this.#cursor.code === char.comma) this.#cursor.at++;
    else if (this.#cursor.code !== close) this.#cursor.unusual();
  }

  /** Over blanks and line breaks; lines that are not indented enough are an error, which the full parser reports. */
  #skip(): void {
    const cursor = this.#cursor;
    cursor.skipSpaces();
    if (cursor.code === char.hash && cursor.text.charCodeAt(cursor.at - 1) !== char.space) cursor.unusual();
    if (cursor.code !== char.newline && cursor.code !== char.hash) return;
    cursor.nextLine();
    if (cursor.done || cursor.column < this.#indent + (this.#closes() ? 0 : 1)) cursor.unusual();
  }

  #closes(): boolean {
    const { code } = this.#cursor;
    return code === char.closeList || code === char.closeMap;
  }
}
