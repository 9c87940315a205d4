import type { Diagnostics, Problem } from './diagnose.ts';
import { DotenvError, type Noter, parseDotenv, parseRawEnv } from './dotenv.ts';
import { quoted } from './printable.ts';
import { pathKind, readWithin } from './read.ts';
import type { Origin, Source } from './source.ts';
import { type Lookup, TemplateError } from './template.ts';
import type { Trail } from './trail.ts';

export interface VariablesRequest {
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly envFiles: readonly string[];
  /** Whether it is no mistake that a file is not there. */
  readonly mayLack: boolean;
}

/** What `${X}` means in the files of a stack. */
export interface Variables {
  readonly lookup: Lookup;
  /** Those of the environment files: what the caller's environment has goes first. */
  readonly fromFiles: ReadonlyMap<string, string>;
}

export interface EnvFileRequest {
  /** Absolute. */
  readonly path: string;
  readonly format?: string | undefined;
  readonly into: Map<string, string>;
  readonly lookup: Lookup;
  /** Where the file is named; a problem inside the file points into it instead. */
  readonly origin?: Origin | undefined;
}

/** The caller's environment, then the files, of which a later one wins. */
export function loadVariables(request: VariablesRequest, diagnostics: Diagnostics): Variables {
  const shell: Lookup = (name) => (Object.hasOwn(request.env, name) ? request.env[name] : undefined);
  const fromFiles = new Map<string, string>();
  for (const path of request.envFiles) {
    diagnostics.files.add(path);
    if (request.mayLack && pathKind(path) !== 'file') continue;
    readEnvFile({ path, into: fromFiles, lookup: shell }, diagnostics);
  }
  if (diagnostics.trail !== undefined) diagnostics.trail.projectFiles = fromFiles;
  return { lookup: (name) => shell(name) ?? fromFiles.get(name), fromFiles };
}

/** What `${X}` means in an included file: as outside, and behind that what the files say (a later one wins). */
export function variablesBehind(
  outer: Lookup,
  files: readonly { readonly path: string; readonly origin?: Origin }[],
  diagnostics: Diagnostics,
): Lookup {
  const values = new Map<string, string>();
  for (const { path, origin } of files) readEnvFile({ path, into: values, lookup: outer, origin }, diagnostics);
  const lookup: Lookup = (name) => outer(name) ?? values.get(name);
  diagnostics.trail?.behind(lookup, { outer, values });
  return lookup;
}

/** Reads one environment file into a map; problems become diagnostics. */
export function readEnvFile(request: EnvFileRequest, diagnostics: Diagnostics): void {
  const read = readWithin(diagnostics, request.path);
  if ('problem' in read) {
    const { code, message } = read.problem;
    diagnostics.add({ code, message: `environment file: ${message}`, origin: request.origin });
    return;
  }
  if (request.format !== undefined && request.format !== 'raw') {
    const message = `unknown env_file format ${quoted(request.format)}`;
    diagnostics.add({ code: 'schema.enum', message, hint: 'write "raw", or leave it out', origin: request.origin });
    return;
  }
  const source: Source = { path: request.path, text: read.text, index: 1_000_000 };
  try {
    const parse = request.format === 'raw' ? parseRawEnv : parseDotenv;
    parse(read.text, request.into, request.lookup, noterOf(source, request.into, diagnostics.trail));
  } catch (error) {
    diagnostics.add(envProblem(error, source, request.origin));
  }
}

function noterOf(source: Source, into: Map<string, string>, trail: Trail | undefined): Noter | undefined {
  return trail && ((name, start, end) => trail.defined(into, name, { source, start, end }));
}

function envProblem(error: unknown, source: Source, named: Origin | undefined): Problem {
  if (error instanceof DotenvError) {
    const origin = { source, start: error.offset, end: error.offset + 1 };
    return { code: 'env-file.syntax', message: error.message, origin };
  }
  if (error instanceof TemplateError)
    return { code: error.code, message: `${source.path}: ${error.message}`, origin: named };
  throw error;
}
