import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { InvalidStackError } from '../../src/model/error.ts';
import { type LoadRequest, type LoadResult, loadStack } from '../../src/spec/load.ts';

/** Loads a text as the project `demo` in /project, where nothing exists. */
export function loadText(text: string, request: Partial<LoadRequest> = {}): LoadResult {
  return loadStack({
    files: ['-'],
    stdin: text,
    cwd: '/project',
    env: {},
    envFiles: [],
    projectName: 'demo',
    profiles: [],
    services: [],
    ...request,
  });
}

/** The problems of a text that must not load. */
export function problemsOf(text: string, request: Partial<LoadRequest> = {}): readonly Diagnostic[] {
  try {
    loadText(text, request);
  } catch (error) {
    if (error instanceof InvalidStackError) return error.diagnostics;
    throw error;
  }
  throw new Error('the text loaded');
}
