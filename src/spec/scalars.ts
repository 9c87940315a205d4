import {
  boolCoreTag,
  floatCoreTag,
  intCoreTag,
  NOT_RESOLVED,
  nullCoreTag,
  type ScalarTagDefinition,
  strTag,
} from 'js-yaml';
import type { ScalarNode } from './node.ts';

type ScalarValue = ScalarNode['value'];

/** Plain text that begins otherwise is a string. */
const mayBeTyped = /^(?:[-+.0-9~tTfFnN]|$)/;
const implicit: readonly ScalarTagDefinition[] = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag];
const explicit: ReadonlyMap<string, ScalarTagDefinition> = new Map(
  [strTag, ...implicit].map((tag) => [tag.tagName, tag]),
);

/** What plain text means by the core schema of YAML 1.2. */
export function plainValue(text: string): ScalarValue {
  if (!mayBeTyped.test(text)) return text;
  for (const tag of implicit) {
    const value: unknown = tag.resolve(text, false, tag.tagName);
    if (value !== NOT_RESOLVED) return value as ScalarValue;
  }
  return text;
}

/** What text means under a tag such as `tag:yaml.org,2002:int`; undefined when it is none of that kind. */
export function taggedValue(text: string, tagName: string): ScalarValue | undefined {
  const tag = explicit.get(tagName);
  if (tag === undefined) return undefined;
  const value: unknown = tag.resolve(text, true, tagName);
  return value === NOT_RESOLVED ? undefined : (value as ScalarValue);
}
