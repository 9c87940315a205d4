import { readFileSync } from 'node:fs';

/** The JSON Schema of stack files, as it stands: read from the checkout, so that no other command loads it. */
export function schemaText(): string {
  // This file, or the bundle in dist/.
  const root = import.meta.filename.endsWith('.ts') ? '../../..' : '..';
  return readFileSync(`${import.meta.dirname}/${root}/schema/stack.schema.json`, 'utf8');
}
