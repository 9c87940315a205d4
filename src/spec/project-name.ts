import { basename } from 'node:path';
import type { Diagnostics } from './diagnose.ts';
import type { ScalarNode } from './node.ts';
import { quoted } from './printable.ts';

const validName = /^[a-z0-9][a-z0-9_-]*$/;

/** A directory's name as a project name: lower case, only `[a-z0-9_-]`, no `_` or `-` in front; may be empty. */
export function normalizeProjectName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}

export interface NameRequest {
  /** `-p`, then COMPOSE_PROJECT_NAME. */
  readonly given: string | undefined;
  /** `name:` of the last file that has one. */
  readonly written: ScalarNode | undefined;
  readonly projectDirectory: string;
}

/**
 * The project's name; one that is given must be valid as it stands, a written one may have capitals,
 * a directory's is made to fit.
 */
export function projectName(request: NameRequest, diagnostics: Diagnostics): string {
  const { given, written } = request;
  const name = given || (typeof written?.value === 'string' ? written.value : '');
  if (name === '') return normalizeProjectName(basename(request.projectDirectory)) || 'default';
  const lower = given ? name : name.toLowerCase();
  if (validName.test(lower) && lower.length <= 100) return lower;
  const origin = given ? undefined : written;
  const message = `the project name ${quoted(name)} is not valid`;
  const hint = 'use lower case letters, digits, "_" and "-", a letter or digit first';
  diagnostics.add({ code: 'schema.pattern', message, hint, origin });
  return normalizeProjectName(name) || 'default';
}
