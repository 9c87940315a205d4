import { dump } from 'js-yaml';

/** A value as YAML, long strings in one line and nothing by alias. */
export function yamlText(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1 });
}
