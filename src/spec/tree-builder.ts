import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';
import { Anchors } from './anchors.ts';
import type { Diagnostics, ProblemCode } from './diagnose.ts';
import { Limit } from './limit.ts';
import { type Entry, entryAt, type MapNode, type ScalarNode, type SpecNode } from './node.ts';
import { quoted } from './printable.ts';
import { plainValue, taggedValue } from './scalars.ts';
import type { Origin, Source } from './source.ts';
import { longKey } from './syntax.ts';
import { readTag, type Tag } from './tags.ts';

/** Values that a file may hold; a stack of ten thousand small services has as many. */
const mostValues = 100_000;
const longestKey = 1024;
/** What may stand between the last value of a flow collection and its end. */
const closing = /(?:[\s,]|#.*)*[\]}]/y;

type Opening = Exclude<Event, { type: typeof EVENT_ID.POP | typeof EVENT_ID.DOCUMENT }>;

export interface Parsed {
  readonly events: readonly Event[];
  /** Texts of scalars; where absent they are read from the source. */
  readonly texts?: ReadonlyMap<Event, string>;
}

/**
 * Builds the tree of one text from the events of the YAML parser: aliases shared, merge keys applied, keys made
 * strings. The depth is bounded by the parser, so it may recurse.
 */
export class TreeBuilder {
  readonly #source: Source;
  readonly #events: readonly Event[];
  readonly #texts: Parsed['texts'];
  readonly #diagnostics: Diagnostics;
  readonly #anchors: Anchors;
  #next = 0;
  #values = 0;
  /** Where the last token ended: the place of what is not written. */
  #end = 0;

  constructor(source: Source, parsed: Parsed, diagnostics: Diagnostics) {
    this.#source = source;
    this.#events = parsed.events;
    this.#texts = parsed.texts;
    this.#diagnostics = diagnostics;
    this.#anchors = new Anchors(diagnostics);
  }

  /** The next document, undefined when it is set aside as a whole. Throws `Limit`. */
  document(): SpecNode | undefined {
    this.#next += 1;
    const node = this.#node();
    this.#next += 1;
    return node;
  }

  /** No document follows. */
  get ended(): boolean {
    return this.#next >= this.#events.length;
  }

  /** The value that begins at the next event, or undefined when it has an error and is set aside. */
  #node(empty?: Origin): SpecNode | undefined {
    const event = this.#events[this.#next] as Opening;
    this.#next += 1;
    if (event.type === EVENT_ID.ALIAS) {
      this.#end = event.anchorEnd;
      const name = this.#source.text.slice(event.anchorStart, event.anchorEnd);
      return this.#anchors.use(name, this.#origin(event.anchorStart - 1, event.anchorEnd));
    }
    const tag = event.tagStart === -1 ? undefined : this.#tag(event);
    const anchor = event.anchorStart === -1 ? undefined : this.#source.text.slice(event.anchorStart, event.anchorEnd);
    if (anchor !== undefined) this.#anchors.open(anchor);
    const built = this.#plain(event, tag === 'unknown' ? undefined : tag, empty);
    const node = tag === 'unknown' ? undefined : built;
    if (anchor !== undefined) this.#anchors.close(anchor, node);
    return node;
  }

  #plain(event: Exclude<Opening, { type: typeof EVENT_ID.ALIAS }>, tag: Tag | undefined, empty?: Origin) {
    if (event.type === EVENT_ID.SCALAR) return this.#scalar(event, tag, empty);
    this.#end = event.start;
    return event.type === EVENT_ID.SEQUENCE ? this.#sequence(event.start, tag) : this.#mapping(event.start, tag);
  }

  #scalar(event: ScalarEvent, tag: Tag | undefined, empty: Origin | undefined): SpecNode | undefined {
    const source = this.#source;
    const text = this.#texts?.get(event) ?? getScalarValue(source.text, event);
    const written = event.valueStart !== -1;
    const quote = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
    const start = written ? event.valueStart - quote : (empty?.start ?? this.#end);
    const end = written ? event.valueEnd + quote : (empty?.end ?? this.#end);
    if (written) this.#end = end;
    const value = scalarValue(event, text, tag);
    if (value !== undefined) return { kind: 'scalar', value, text, source, start, end, tag: tag?.merge };
    const message = `${quoted(text)} is not what its tag ${quoted(tag?.text ?? '')} says`;
    this.#problem('yaml.tag', message, { source, start, end });
    return undefined;
  }

  #sequence(start: number, tag: Tag | undefined): SpecNode {
    const items: SpecNode[] = [];
    while (this.#events[this.#next]?.type !== EVENT_ID.POP) {
      this.#count();
      const item = this.#node();
      if (item !== undefined && item.tag !== 'reset') items.push(item);
    }
    this.#close(start);
    return { kind: 'seq', items, source: this.#source, start, end: this.#end, tag: tag?.merge };
  }

  #mapping(start: number, tag: Tag | undefined): MapNode {
    const own = new Map<string, Entry>();
    let merged: Map<string, Entry> | undefined;
    const aside: string[] = [];
    while (this.#events[this.#next]?.type !== EVENT_ID.POP) {
      const keyEvent = this.#events[this.#next] as Opening;
      this.#count();
      const key = this.#node();
      const place = key ?? this.#origin(this.#end, this.#end);
      if (isMergeKey(keyEvent, key)) {
        merged ??= new Map();
        const maps = this.#node(place);
        this.#merge(merged, maps);
        if (maps !== undefined) this.#diagnostics.trail?.mergeKey({ ...place, start }, place, maps);
        continue;
      }
      const value = this.#node(place);
      const name = this.#key(keyEvent, key);
      if (name === undefined) continue;
      if (own.has(name)) this.#problem('yaml.duplicate-key', `duplicate key ${quoted(name)}`, place);
      else if (value === undefined) aside.push(name);
      else own.set(name, entryAt(place, value));
    }
    this.#close(start);
    for (const [name, entry] of merged ?? []) if (!own.has(name) && !aside.includes(name)) own.set(name, entry);
    return {
      kind: 'map',
      entries: own,
      aside: aside.length === 0 ? undefined : aside,
      source: this.#source,
      start,
      end: this.#end,
      tag: tag?.merge,
    };
  }

  /** The end of a list or mapping; of one in brackets, behind the bracket. */
  #close(start: number): void {
    this.#next += 1;
    const { text } = this.#source;
    if (text[start] !== '[' && text[start] !== '{') return;
    closing.lastIndex = Math.max(this.#end, start + 1);
    if (closing.test(text)) this.#end = closing.lastIndex;
  }

  #key(event: Opening, key: SpecNode | undefined): string | undefined {
    if (key === undefined) return undefined;
    if (key.kind === 'scalar' && typeof key.value === 'string') {
      if (key.text.length <= longestKey) return key.value;
      this.#diagnostics.add(longKey(key.source, key.start, key.end));
      return undefined;
    }
    const plain = key.kind === 'scalar' && key.value !== null && event.type === EVENT_ID.SCALAR;
    const message = plain ? `the key ${quoted(key.text)} is not a string` : 'a key must be a string';
    this.#problem('schema.type', message, key, plain ? `write "${key.text}" in quotes` : undefined);
    return undefined;
  }

  /** `<<: *one` or `<<: [*one, *two]`; the first that has a key wins. */
  #merge(into: Map<string, Entry>, node: SpecNode | undefined): void {
    const maps = node?.kind === 'seq' ? node.items : node === undefined ? [] : [node];
    for (const map of maps) {
      if (map.kind !== 'map') {
        this.#problem('yaml.merge', 'a merge key takes a mapping or a list of mappings', map);
        continue;
      }
      this.#anchors.count(map.entries.size, map);
      for (const [name, entry] of map.entries) if (!into.has(name)) into.set(name, entry);
    }
  }

  #tag(event: Exclude<Opening, { type: typeof EVENT_ID.ALIAS }>): Tag | 'unknown' {
    const written = this.#source.text.slice(event.tagStart, event.tagEnd);
    const kind = event.type === EVENT_ID.SCALAR ? 'scalar' : event.type === EVENT_ID.SEQUENCE ? 'seq' : 'map';
    const tag = readTag(written, kind);
    if (tag !== undefined) return tag;
    const origin = this.#origin(event.tagStart, event.tagEnd);
    const hint = 'only !reset and !override are known: write a plain value';
    this.#problem('yaml.tag', `unknown tag ${quoted(written)}`, origin, hint);
    return 'unknown';
  }

  #count(): void {
    this.#values += 1;
    if (this.#values <= mostValues) return;
    const message = `the file holds too much: the limit is ${mostValues.toLocaleString('en')} values`;
    throw new Limit({ code: 'yaml.size-limit', message, origin: this.#origin(this.#end, this.#end + 1) });
  }

  #origin(start: number, end: number): Origin {
    return { source: this.#source, start, end };
  }

  #problem(code: ProblemCode, message: string, { source, start, end }: Origin, hint?: string): void {
    this.#diagnostics.add({ code, message, origin: { source, start, end }, hint });
  }
}

/** Undefined when the text is none of its tag's. */
function scalarValue(event: ScalarEvent, text: string, tag: Tag | undefined): ScalarNode['value'] | undefined {
  if (tag?.type !== undefined) return tag.type === '' ? text : taggedValue(text, tag.type);
  return event.style === SCALAR_STYLE.PLAIN ? plainValue(text) : text;
}

function isMergeKey(event: Opening, key: SpecNode | undefined): boolean {
  return (
    event.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN && key?.kind === 'scalar' && key.value === '<<'
  );
}
