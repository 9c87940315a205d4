import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder of reference data beside the repository; without it such tests are skipped. */
const folder = resolve(import.meta.dirname, '../../../shared');

export const missingShared = existsSync(folder) ? false : `no reference data at ${folder}`;

export function sharedPath(...parts: readonly string[]): string {
  return join(folder, ...parts);
}

export interface TableCase {
  readonly id: string;
  readonly input: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly expect?: unknown;
  readonly error?: boolean;
  readonly warnings?: readonly string[];
  readonly quirk?: unknown;
  readonly windows_or_drive?: boolean;
}

/** The cases of compose/loader/tables/<name>.json, without the reference's own quirks and Windows. */
export function tableCases(name: string): readonly TableCase[] {
  const table = JSON.parse(readFileSync(sharedPath('compose/loader/tables', `${name}.json`), 'utf8'));
  return (table.cases as TableCase[]).filter((each) => each.quirk === undefined && each.windows_or_drive !== true);
}

export function folders(...parts: readonly string[]): readonly string[] {
  const path = sharedPath(...parts);
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name));
}
