import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  Parser,
  Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { checkDepth } from './depth.ts';
import type { Diagnostics, Problem, ProblemCode } from './diagnose.ts';
import { type Entry, entryAt, type MapNode, type MergeTag, type SpecNode } from './node.ts';
import { quoted } from './printable.ts';
import type { Origin, Source } from './source.ts';

/** Nodes that aliases may add to a file, counted with what they repeat. */
const mostAliasedNodes = 100_000;
const standardTag = /^(tag:yaml\.org,2002:(str|int|float|bool|null|map|seq|merge)|!)$/;

/**
 * YAML 1.2 core text (and merge keys) to nodes with places. Problems are added to `diagnostics`: 'broken' when there is
 * no telling what the text means; a smaller one, such as an unknown tag, sets its value aside. Undefined when the file
 * holds nothing.
 */
export function parseYaml(source: Source, diagnostics: Diagnostics): SpecNode | 'broken' | undefined {
  const lexemes = [...new Lexer().lex(source.text)];
  const deep = checkDepth(lexemes);
  if (deep !== undefined) {
    const origin = { source, start: deep, end: deep + 1 };
    diagnostics.add({
      code: 'yaml.depth-limit',
      message: 'the file is nested too deep: the limit is 100 levels',
      origin,
    });
    return 'broken';
  }
  const [document, second] = compose(lexemes);
  if (document === undefined) return undefined;
  for (const error of document.errors) diagnostics.add(syntaxProblem(source, document, error));
  if (second !== undefined) {
    const start = source.text.lastIndexOf('\n---', second.range[0]) + 1;
    const message = 'a second document begins here: a stack file is one document';
    diagnostics.add({ code: 'yaml.multi-document', message, origin: { source, start, end: start + 3 } });
  }
  if (document.errors.length > 0 || second !== undefined) return 'broken';
  if (document.contents === null) return undefined;
  const converter = new Converter(source, document, diagnostics);
  const root = converter.convert(document.contents);
  return converter.overflown || root === undefined ? 'broken' : root;
}

function compose(lexemes: readonly string[]): Document.Parsed[] {
  const parser = new Parser();
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
  });
  const documents: Document.Parsed[] = [];
  for (const lexeme of lexemes) {
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token));
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end());
  return documents;
}

function syntaxProblem(source: Source, document: Document.Parsed, error: YAMLError): Problem {
  const { code, message } = error;
  const origin = { source, start: error.pos[0], end: error.pos[1] };
  if (code === 'KEY_OVER_1024_CHARS') {
    return { code: 'schema.pattern', message: 'this name is too long: the limit is 128 characters', origin };
  }
  if (message.startsWith('Missing closing') && message.endsWith('quote')) {
    const start = openQuote(document, origin.start);
    const mark = { source, start, end: start + 1 };
    return { code: 'yaml.syntax', message: 'this quote is never closed', origin: mark };
  }
  const indented = code === 'BAD_INDENT' || /column|indent/i.test(message);
  const hint = indented ? 'check the indentation of this line' : undefined;
  return { code: 'yaml.syntax', message: `${message[0]?.toLowerCase()}${message.slice(1)}`, hint, origin };
}

/** Where the quoted scalar began that was not closed before `end`. */
function openQuote(document: Document.Parsed, end: number): number {
  let start = end;
  visit(document, {
    Scalar(_key, node) {
      const from = node.range?.[0];
      if (node.type?.startsWith('QUOTE') && from !== undefined && from <= end) start = from;
    },
  });
  return start;
}

/** Turns the tree of the yaml package into ours: aliases shared, merge keys applied, keys made strings. */
class Converter {
  readonly #source: Source;
  readonly #document: Document.Parsed;
  readonly #diagnostics: Diagnostics;
  readonly #anchors = new Map<string, SpecNode | 'open' | 'aside'>();
  readonly #sizes = new WeakMap<SpecNode, number>();
  #aliased = 0;
  /** Whether aliases repeat more than may be walked. */
  overflown = false;

  constructor(source: Source, document: Document.Parsed, diagnostics: Diagnostics) {
    this.#source = source;
    this.#document = document;
    this.#diagnostics = diagnostics;
  }

  /** The node, or undefined when it has an error and is set aside. */
  convert(node: Node): SpecNode | undefined {
    if (isAlias(node)) return this.#alias(node.source, this.#origin(node));
    const anchor = (node as { anchor?: string }).anchor;
    if (!this.#knowsTag(node)) {
      if (anchor !== undefined) this.#anchors.set(anchor, 'aside');
      return undefined;
    }
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    const converted = this.#plain(node);
    if (anchor !== undefined) this.#anchors.set(anchor, converted);
    return converted;
  }

  #plain(node: Node): SpecNode {
    const place = { ...this.#origin(node), tag: mergeTag(node) };
    if (isMap(node)) return this.#sized({ kind: 'map', ...this.#entries(node), ...place });
    if (isSeq(node)) {
      const items = node.items.flatMap((item) => this.convert(item as Node) ?? []);
      return this.#sized({ kind: 'seq', items: items.filter((item) => item.tag !== 'reset'), ...place });
    }
    const value: unknown = isScalar(node) ? node.value : null;
    const text = (isScalar(node) ? node.source : undefined) ?? '';
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null) {
      return { kind: 'scalar', value, text: typeof value === 'string' ? value : text, ...place };
    }
    return { kind: 'scalar', value: text, text, ...place };
  }

  #entries(map: YAMLMap): Pick<MapNode, 'entries' | 'aside'> {
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    const aside: string[] = [];
    for (const pair of map.items) {
      const keyNode = pair.key as Node;
      const key = this.#origin(keyNode, map);
      const value = pair.value as Node | null;
      if (isScalar(keyNode) && keyNode.value === '<<' && keyNode.type === Scalar.PLAIN) {
        this.#merge(merged, value);
        continue;
      }
      const name = this.#key(keyNode, key);
      if (name === undefined) continue;
      if (own.has(name)) {
        this.#problem('yaml.duplicate-key', `duplicate key ${quoted(name)}`, key);
        continue;
      }
      const node: SpecNode | undefined =
        value === null ? { kind: 'scalar', value: null, text: '', ...key } : this.convert(value);
      if (node === undefined) aside.push(name);
      else own.set(name, entryAt(key, node));
    }
    for (const [name, entry] of merged) if (!own.has(name) && !aside.includes(name)) own.set(name, entry);
    return { entries: own, aside: aside.length === 0 ? undefined : aside };
  }

  #key(node: Node | null, key: Origin): string | undefined {
    if (isAlias(node)) {
      const target = this.convert(node);
      if (target?.kind === 'scalar' && typeof target.value === 'string') return target.value;
    }
    if (isScalar(node) && typeof node.value === 'string') return node.value;
    if (isScalar(node) && node.source !== undefined && node.value !== null) {
      this.#problem(
        'schema.type',
        `the key ${quoted(node.source)} is not a string`,
        key,
        `write "${node.source}" in quotes`,
      );
      return undefined;
    }
    this.#problem('schema.type', 'a key must be a string', key);
    return undefined;
  }

  /** `<<: *one` or `<<: [*one, *two]`; the first that has a key wins. */
  #merge(into: Map<string, Entry>, value: Node | null): void {
    const node = value === null ? undefined : this.convert(value);
    const maps = node?.kind === 'seq' ? node.items : node === undefined ? [] : [node];
    for (const map of maps) {
      if (map.kind !== 'map') {
        this.#problem('yaml.merge', 'a merge key takes a mapping or a list of mappings', map);
        continue;
      }
      for (const [name, entry] of map.entries) if (!into.has(name)) into.set(name, entry);
    }
  }

  #alias(name: string, origin: Origin): SpecNode | undefined {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      this.#problem('yaml.syntax', `unknown alias ${quoted(name)}: no anchor "&${name}" stands before it`, origin);
      return undefined;
    }
    if (target === 'open') {
      const message = `the alias ${quoted(name)} makes a cycle: it stands inside its own anchor`;
      this.#problem('yaml.alias-limit', message, origin);
      return undefined;
    }
    if (target === 'aside') return undefined;
    this.#aliased += this.#sizes.get(target) ?? 1;
    if (this.#aliased <= mostAliasedNodes) return target;
    if (!this.overflown) {
      this.#problem('yaml.alias-limit', 'aliases repeat too much: more than 100,000 values', origin);
    }
    this.overflown = true;
    return undefined;
  }

  #sized(node: SpecNode): SpecNode {
    const children = node.kind === 'map' ? [...node.entries.values()].map((entry) => entry.node) : [];
    const size = (node.kind === 'seq' ? node.items : children).reduce(
      (sum, each) => sum + (this.#sizes.get(each) ?? 1),
      1,
    );
    this.#sizes.set(node, size);
    return node;
  }

  #knowsTag(node: Node): boolean {
    const tag = (node as { tag?: string }).tag;
    if (tag === undefined || standardTag.test(tag) || mergeTag(node) !== undefined) return true;
    const start = this.#source.text.lastIndexOf('!', (node.range?.[0] ?? 1) - 1);
    const message = `unknown tag ${quoted(tag.replace(/^tag:yaml\.org,2002:/, '!!'))}`;
    const origin = { source: this.#source, start: this.#tagStart(node, start), end: node.range?.[0] ?? 0 };
    this.#problem('yaml.tag', message, origin, 'only !reset and !override are known: write a plain value');
    return false;
  }

  #tagStart(node: Node, found: number): number {
    const start = node.range?.[0] ?? 0;
    if (found < 0 || this.#source.text.slice(found, start).includes('\n')) return start;
    return this.#source.text[found - 1] === '!' ? found - 1 : found;
  }

  #origin(node: Node | null, within?: Node): Origin {
    const range = node?.range ?? within?.range ?? this.#document.range;
    return { source: this.#source, start: range[0], end: range[1] };
  }

  #problem(code: ProblemCode, message: string, origin: Origin, hint?: string): void {
    this.#diagnostics.add({ code, message, origin, hint });
  }
}

function mergeTag(node: Node): MergeTag | undefined {
  const tag = (node as { tag?: string }).tag;
  return tag === '!reset' ? 'reset' : tag === '!override' ? 'override' : undefined;
}
