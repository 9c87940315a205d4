import { CHOMPING_MODE, COLLECTION_STYLE, EVENT_ID, type Event, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';
import type { Document, Node, Scalar } from 'yaml';

/** What the package `yaml` read, as events of the other parser, and the text of each scalar. */
export interface LenientEvents {
  readonly events: readonly Event[];
  readonly texts: ReadonlyMap<Event, string>;
}

const absent = { anchorStart: -1, anchorEnd: -1, tagStart: -1, tagEnd: -1 };
const pop: Event = { type: EVENT_ID.POP };

/** The documents as events. Places of anchors and tags are searched for: the package does not keep them. */
export function lenientEvents(
  documents: readonly Document.Parsed[],
  text: string,
  yaml: typeof import('yaml'),
): LenientEvents {
  const events: Event[] = [];
  const texts = new Map<Event, string>();
  const add = (node: Node | null): void => {
    if (node === null) {
      events.push(scalarEvent(undefined, absent));
    } else if (yaml.isAlias(node)) {
      const start = (node.range?.[0] ?? 0) + 1;
      events.push({ type: EVENT_ID.ALIAS, anchorStart: start, anchorEnd: start + node.source.length });
    } else if (yaml.isScalar(node)) {
      const event = scalarEvent(node, properties(node, text));
      texts.set(event, event.valueStart === -1 ? '' : (node.source ?? String(node.value)));
      events.push(event);
    } else if (yaml.isMap(node) || yaml.isSeq(node)) {
      const type = yaml.isMap(node) ? EVENT_ID.MAPPING : EVENT_ID.SEQUENCE;
      const style = node.flow === true ? COLLECTION_STYLE.FLOW : COLLECTION_STYLE.BLOCK;
      events.push({ type, start: node.range?.[0] ?? 0, style, ...properties(node, text) });
      for (const item of node.items) {
        if (!yaml.isPair(item)) add(item as Node | null);
        else for (const each of [item.key, item.value]) add(each as Node | null);
      }
      events.push(pop);
    }
  };
  for (const { contents } of documents) {
    events.push({ type: EVENT_ID.DOCUMENT, explicitStart: false, explicitEnd: false, directives: [] });
    add(contents);
    events.push(pop);
  }
  return { events, texts };
}

function scalarEvent(node: Scalar | undefined, props: typeof absent): ScalarEvent {
  const [start, end] = node?.range ?? [-1, -1];
  const style = styleOf(node);
  const quote = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
  const written = end > start;
  return {
    type: EVENT_ID.SCALAR,
    valueStart: written ? start + quote : -1,
    valueEnd: written ? end - quote : -1,
    ...props,
    style,
    chomping: CHOMPING_MODE.CLIP,
    indent: -1,
    fast: false,
  };
}

function styleOf(node: Scalar | undefined): ScalarEvent['style'] {
  if (node?.type === 'QUOTE_SINGLE') return SCALAR_STYLE.SINGLE_QUOTED;
  if (node?.type === 'QUOTE_DOUBLE') return SCALAR_STYLE.DOUBLE_QUOTED;
  return node?.type?.startsWith('BLOCK') === true ? SCALAR_STYLE.LITERAL_BLOCK : SCALAR_STYLE.PLAIN;
}

function properties(node: Node, text: string): typeof absent {
  const start = node.range?.[0] ?? 0;
  const { anchor, tag } = node as { anchor?: string; tag?: string };
  const anchorStart = anchor === undefined ? -1 : text.lastIndexOf(`&${anchor}`, start);
  const written = tag?.replace(/^tag:yaml\.org,2002:/, '!!');
  const tagStart = written === undefined ? -1 : text.lastIndexOf(written, start);
  return {
    anchorStart: anchorStart === -1 ? -1 : anchorStart + 1,
    anchorEnd: anchorStart === -1 ? -1 : anchorStart + 1 + (anchor?.length ?? 0),
    tagStart,
    tagEnd: tagStart === -1 ? -1 : tagStart + (written?.length ?? 0),
  };
}
