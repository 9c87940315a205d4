import { dirname, join, resolve } from 'node:path';
import { InvalidStackError } from '../model/error.ts';
import { Diagnostics } from './diagnose.ts';
import { applyExtends } from './extends.ts';
import { interpolate } from './interpolate.ts';
import type { LoadRequest } from './load.ts';
import { locateFiles } from './locate-files.ts';
import { mergeFiles } from './merge.ts';
import { type Dict, dict, isDict, type SpecNode, toValue } from './node.ts';
import { parseYaml } from './parse.ts';
import { projectName } from './project-name.ts';
import { decodeText, pathKind, readTextFile } from './read.ts';
import { settle } from './settle.ts';
import type { Source } from './source.ts';
import type { Lookup } from './template.ts';
import { loadVariables, readEnvFile } from './variables.ts';

/** Which files a stack is made of, and where. */
export interface StackFiles {
  /** Absolute, in merge order; `-` for standard input. */
  readonly files: readonly string[];
  /** Absolute: `--env-file`, or `.env` of the project directory, which need not be there. */
  readonly envFiles: readonly string[];
  readonly projectDirectory: string;
}

/** Finds a stack's files without reading them. Throws `no-stack-file`. */
export function findStackFiles(request: LoadRequest): StackFiles {
  const given = request.envFiles.map((file) => resolve(request.cwd, file));
  const early = loadVariables({ env: request.env, envFiles: given, projectDirectory: request.cwd }, new Diagnostics());
  const files = locateFiles({
    files: request.files,
    cwd: request.cwd,
    composeFile: early('COMPOSE_FILE'),
    separator: early('COMPOSE_PATH_SEPARATOR'),
  });
  const first = files[0] ?? '-';
  const beside = first === '-' ? request.cwd : dirname(first);
  const projectDirectory = resolve(request.cwd, request.projectDirectory ?? beside);
  return { files, projectDirectory, envFiles: given.length > 0 ? given : [join(projectDirectory, '.env')] };
}

/** What variables stand for: the caller's environment over that of the files. Problems become diagnostics. */
export function stackEnvironment(
  request: LoadRequest,
  { envFiles }: StackFiles,
  diagnostics: Diagnostics,
): ReadonlyMap<string, string> {
  const shell: Lookup = (name) => (Object.hasOwn(request.env, name) ? request.env[name] : undefined);
  const variables = new Map<string, string>();
  for (const path of envFiles) {
    if (request.envFiles.length === 0 && pathKind(path) !== 'file') continue;
    readEnvFile({ path, into: variables, lookup: shell }, diagnostics);
  }
  for (const [name, value] of Object.entries(request.env)) variables.set(name, value);
  return variables;
}

/** The files parsed, no variable filled in, those that hold nothing left out. Throws `InvalidStackError`. */
export function readTrees(request: LoadRequest, { files }: StackFiles): readonly SpecNode[] {
  const diagnostics = new Diagnostics();
  const trees = files.map((file, index) => readTree(request, { file, index }, diagnostics));
  if (diagnostics.hasErrors) throw new InvalidStackError(diagnostics.list());
  return trees.filter((tree) => tree !== undefined);
}

/** One file of a stack; undefined when it holds nothing, or nothing that can be told, which is a diagnostic. */
export function readTree(
  request: Pick<LoadRequest, 'stdin'>,
  { file, index }: { readonly file: string; readonly index: number },
  diagnostics: Diagnostics,
): SpecNode | undefined {
  const path = file === '-' ? '<stdin>' : file;
  const read = file === '-' ? decodeText(Buffer.from(request.stdin ?? ''), path) : readTextFile(file);
  const text = 'text' in read ? read.text : (read.problem.before ?? '');
  const source: Source = { path, text, index };
  if ('problem' in read) {
    const { code, message, before } = read.problem;
    const origin = before === undefined ? undefined : { source, start: text.length, end: text.length };
    diagnostics.add({ code, message, origin });
    return undefined;
  }
  const tree = parseYaml(source, diagnostics);
  if (tree === undefined || tree === 'broken') return undefined;
  if (tree.kind === 'map') return tree;
  if (tree.kind === 'scalar' && tree.value === null) return undefined;
  diagnostics.add({ code: 'schema.type', message: 'a stack file is a mapping, this is none', origin: tree });
  return undefined;
}

/** The trees laid over one another, `extends` applied; nothing is checked but what that needs. */
export function mergeTrees(trees: readonly SpecNode[], diagnostics: Diagnostics): Dict {
  const [base, ...overs] = trees.map((tree) => applyExtends(tree, diagnostics));
  if (base === undefined) return dict();
  const merged = overs.reduce((below, over) => mergeFiles(below, over, diagnostics), settle(base));
  const value = toValue(merged);
  return isDict(value) ? value : dict();
}

/**
 * The stack as its files write it: merged and `extends` applied, but no variable filled in, no path resolved, no short
 * form expanded and no profile applied. It has the name that `-p` gives, or it writes, or its directory has. Throws
 * `InvalidStackError`, `no-stack-file`.
 */
export function writtenStack(request: LoadRequest): Dict {
  const found = findStackFiles(request);
  const trees = readTrees(request, found);
  const diagnostics = new Diagnostics();
  const merged = mergeTrees(trees, diagnostics);
  const given = request.projectName || stackEnvironment(request, found, diagnostics).get('COMPOSE_PROJECT_NAME');
  const naming = { given, written: undefined, projectDirectory: found.projectDirectory };
  const name = given || !merged['name'] ? projectName(naming, diagnostics) : merged['name'];
  if (diagnostics.hasErrors) throw new InvalidStackError(diagnostics.list());
  return Object.assign(dict(), { name }, merged, { name });
}

/**
 * What the files declare, profiles or not: as `writtenStack()`, with variables filled in. What is wrong with it is left
 * to `loadStack()`. Throws `InvalidStackError`, `no-stack-file`.
 */
export function declaredStack(request: LoadRequest): Dict {
  const found = findStackFiles(request);
  const ignored = new Diagnostics();
  const environment = stackEnvironment(request, found, ignored);
  const lookup: Lookup = (name) => environment.get(name);
  const filled = readTrees(request, found).flatMap((tree) => interpolate(tree, lookup, ignored) ?? []);
  return mergeTrees(filled, ignored);
}
