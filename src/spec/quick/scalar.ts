import type { Entry, ScalarNode, SpecNode } from '../node.ts';
import { type Cursor, char, isBlank } from './cursor.ts';

const doubleQuoted = /"(?:[^"\\\n]|\\["\\/bfnrt])*"/y;
const singleQuoted = /'[^'\n]*(?:''[^'\n]*)*'/y;
/** A plain key that is surely a string: `true`, `null` and numbers are left to the full parser. */
const plainKey = /(?!(?:true|false|null)[ :])[a-z_][\w./-]*(?=:)/iy;
/** A longer key is an error. */
const mostKeyLength = 1_000;
/** A plain scalar of one line, with the blanks behind it; a `#` after a blank begins a comment. */
const plain = /(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s,[\]{}]))(?:[^\n:#]|:(?=[^\s])|(?<=\S)#)*/y;
const plainInFlow = /(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-?:](?=[^\s,[\]{}]))(?:[^\n:#,[\]{}]|:(?=[^\s,[\]{}])|(?<=\S)#)*/y;
const words = new Map([
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['null', 'Null', 'NULL', '~'].map((word) => [word, null] as const),
]);
const mayBeNumber = /^[-+.\d][\w.+-]*$/;
const decimal = /^[-+]?(?:\d+|\d+\.\d*|\.\d+)$/;
/** Numbers of YAML 1.2 core that are seldom written. */
const rareNumber = /^(?:0[ox][\da-fA-F]+|[-+]?(?:\.\d+|\d+(?:\.\d*)?)[eE][-+]?\d+|[-+]?\.inf|\.nan)$/i;

/** A quoted or plain scalar of one line. */
export function readScalar(cursor: Cursor, inFlow: boolean): ScalarNode {
  const start = cursor.at;
  const quoted = readQuoted(cursor);
  if (quoted !== undefined) return scalarNode(cursor, { start, end: cursor.at, value: quoted, text: quoted });
  const written = cursor.take(inFlow ? plainInFlow : plain);
  if (written === undefined) return cursor.unusual();
  const text = written.trimEnd();
  const value = plainValue(text, cursor);
  return scalarNode(cursor, { start, end: start + text.length, value, text });
}

/** What is between quotation marks, escapes done; undefined where there are none. */
function readQuoted(cursor: Cursor): string | undefined {
  const { code } = cursor;
  if (code === char.quote) {
    const token = cursor.take(doubleQuoted) ?? cursor.unusual();
    // These escapes mean the same in JSON.
    return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
  }
  if (code !== char.apostrophe) return undefined;
  const token = cursor.take(singleQuoted) ?? cursor.unusual();
  return token.slice(1, -1).replaceAll("''", "'");
}

function plainValue(text: string, cursor: Cursor): ScalarNode['value'] {
  if (words.has(text)) return words.get(text) ?? null;
  const code = text.charCodeAt(0);
  // Letters and most signs come behind the digits and "+", "-" and "." before them.
  if (code > char.nine || !mayBeNumber.test(text)) return text;
  if (decimal.test(text)) return Number(text);
  return rareNumber.test(text) ? cursor.unusual() : text;
}

interface Written {
  readonly start: number;
  readonly end: number;
  readonly value: ScalarNode['value'];
  readonly text: string;
}

/** A scalar that the cursor has passed. */
export function scalarNode(cursor: Cursor, { start, end, value, text }: Written): ScalarNode {
  const shown = typeof value === 'string' ? value : text;
  return { kind: 'scalar', value, text: shown, source: cursor.source, start, end, tag: undefined };
}

/** A key with the colon behind it, the cursor after the colon; undefined, without moving, where there is none. */
export function readKey(cursor: Cursor): { readonly name: string; readonly end: number } | undefined {
  const { at } = cursor;
  const isQuoted = cursor.code === char.quote || cursor.code === char.apostrophe;
  const name = isQuoted ? readQuoted(cursor) : cursor.take(plainKey);
  const end = cursor.at;
  if (name !== undefined && name.length <= mostKeyLength && cursor.code === char.colon) {
    cursor.at++;
    if (isBlank(cursor.code)) return { name, end };
  }
  cursor.at = at;
  return undefined;
}

/** `|` and `|-`: the lines that are indented deeper than `indent`. The cursor stands at their end. */
export function readLiteral(cursor: Cursor, indent: number): ScalarNode {
  const start = cursor.at;
  const header = cursor.take(/\|-?(?=\n)/y) ?? cursor.unusual();
  const { text } = cursor;
  const first = cursor.at + 1;
  const inner = (/ */y.exec(text.slice(first))?.[0] ?? '').length;
  if (inner <= indent || isBlank(text.charCodeAt(first + inner))) cursor.unusual();
  const lines: string[] = [];
  let at = first;
  for (let last = first; at < text.length; at = last + 1) {
    last = text.indexOf('\n', at);
    if (last === -1) cursor.unusual();
    const line = text.slice(at, last);
    if (!line.startsWith(' '.repeat(inner)) && line.trim() !== '') break;
    if (line.length > inner && line.trim() === '') cursor.unusual();
    lines.push(line.slice(inner));
  }
  // Up to the line break before what follows, so that the next line is found from here.
  cursor.at = at - 1;
  while (lines.at(-1) === '') lines.pop();
  const value = lines.join('\n') + (header === '|' ? '\n' : '');
  return scalarNode(cursor, { start, end: cursor.at, value, text: value });
}

/** Anchors seen so far, and how much more aliases may repeat. */
export class Anchors {
  readonly #nodes = new Map<string, SpecNode>();
  #budget: number;

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** `&name ` before a value, the cursor moved over it. */
  take(cursor: Cursor): string | undefined {
    if (cursor.code !== char.ampersand) return undefined;
    const token = cursor.take(/&[\w-]+(?=[ \n])/y) ?? cursor.unusual();
    cursor.skipSpaces();
    // Inside its own node an alias would be a cycle.
    this.#nodes.delete(token.slice(1));
    return token.slice(1);
  }

  keep<Node extends SpecNode>(name: string | undefined, node: Node): Node {
    if (name !== undefined) this.#nodes.set(name, node);
    return node;
  }

  /** The node that `*name` repeats. */
  alias(cursor: Cursor): SpecNode {
    const token = cursor.take(/\*[\w-]+(?=[ \n,\]}]|$)/y) ?? cursor.unusual();
    const node = this.#nodes.get(token.slice(1)) ?? cursor.unusual();
    this.#spend(node, cursor);
    return node;
  }

  #spend(node: SpecNode, cursor: Cursor): void {
    if (--this.#budget < 0) cursor.unusual();
    if (node.kind === 'seq') for (const item of node.items) this.#spend(item, cursor);
    if (node.kind === 'map') for (const entry of node.entries.values()) this.#spend(entry.node, cursor);
  }
}

/** `<<: *one` and `<<: [*one, *two]`: the entries that `into` does not have; the first mapping wins. */
export function mergeInto(into: Map<string, Entry>, value: SpecNode, cursor: Cursor): void {
  for (const map of value.kind === 'seq' ? value.items : [value]) {
    if (map.kind !== 'map') cursor.unusual();
    for (const [name, entry] of map.entries) if (!into.has(name)) into.set(name, entry);
  }
}
