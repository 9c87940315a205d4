import { dirname, join, resolve } from 'node:path';
import { withUnknownNames } from './aside.ts';
import { Diagnostics } from './diagnose.ts';
import { interpolate } from './interpolate.ts';
import { locateFiles } from './locate-files.ts';
import { entryOf, type SpecNode } from './node.ts';
import { projectName } from './project-name.ts';
import type { LoadRequest } from './request.ts';
import type { Scope } from './source.ts';
import { fileName, TreeLoader } from './tree-loader.ts';
import { loadVariables, type Variables } from './variables.ts';

/** What a stack is made of, before its files are read. */
export interface Project {
  readonly diagnostics: Diagnostics;
  /** Absolute, in merge order; `-` for standard input. */
  readonly files: readonly string[];
  /** Absolute. */
  readonly directory: string;
  readonly variables: Variables;
}

/** Finds the files and reads the variables. Throws `no-stack-file`. */
export function openProject(request: LoadRequest, diagnostics: Diagnostics): Project {
  const { env, cwd } = request;
  const given = request.envFiles.map((file) => resolve(cwd, file));
  const filesFor = (directory: string) => (given.length > 0 ? given : [join(directory, '.env')]);
  const options = { env, mayLack: given.length === 0 };
  const early = loadVariables({ ...options, envFiles: filesFor(cwd) }, new Diagnostics()).lookup;
  const files = locateFiles({
    files: request.files,
    cwd,
    composeFile: early('COMPOSE_FILE'),
    separator: early('COMPOSE_PATH_SEPARATOR'),
    looked: diagnostics.files,
  });
  const first = files[0] ?? '-';
  const beside = first === '-' ? cwd : dirname(first);
  const directory = resolve(cwd, request.projectDirectory ?? beside);
  return {
    diagnostics,
    files,
    directory,
    variables: loadVariables({ ...options, envFiles: filesFor(directory) }, diagnostics),
  };
}

export interface ReadProject {
  /** All files as one tree; undefined when nothing is left to check. */
  readonly root: SpecNode | undefined;
  /** Whether parts come from files with a scope of their own. */
  readonly scoped: boolean;
}

/** Reads the files and merges them; with `raw`, variables stay as they are and no shape is checked. */
export function readProject(request: LoadRequest, project: Project, raw = false): ReadProject {
  const { files, diagnostics } = project;
  const loader = new TreeLoader({ diagnostics, stdin: request.stdin ?? '', raw });
  // The name is known when all were read: it may be written in the last.
  let name: string | undefined;
  const scope = scopeOf(project, () => name);
  const trees = files.flatMap((file) => loader.read(file, scope) ?? []);
  const nothing = { root: undefined, scoped: false };
  if (loader.broken) return nothing;
  if (trees.length === 0) {
    if (loader.unread) return nothing;
    const message = `${fileName(files[0] ?? '-')} is empty: it needs the key "services"`;
    diagnostics.add({ code: 'schema.missing', message });
    return nothing;
  }
  name = earlyName(request, project, trees);
  const merged = loader.assemble(trees, scope, files);
  if (loader.broken) return nothing;
  return { root: loader.unread && merged ? withUnknownNames(merged) : merged, scoped: loader.scoped };
}

/** What the words of the stack's own files mean. `name`: what `${COMPOSE_PROJECT_NAME}` is, once that is known. */
export function scopeOf({ directory, variables }: Project, name: () => string | undefined): Scope {
  const { lookup } = variables;
  return {
    directory,
    project: directory,
    lookup: (variable) => (variable === 'COMPOSE_PROJECT_NAME' ? (name() ?? lookup(variable)) : lookup(variable)),
  };
}

/** The name that `${COMPOSE_PROJECT_NAME}` stands for inside the files. */
function earlyName(request: LoadRequest, project: Project, trees: readonly SpecNode[]): string {
  const written = trees.map((tree) => entryOf(tree, 'name')?.node).findLast((node) => node !== undefined);
  const silent = new Diagnostics();
  const filled = written === undefined ? undefined : interpolate(written, project.variables.lookup, silent);
  return named(request, project, filled, silent);
}

/** The name of the stack. */
export function nameOf(request: LoadRequest, project: Project, root: SpecNode): string {
  return named(request, project, entryOf(root, 'name')?.node, project.diagnostics);
}

function named(request: LoadRequest, project: Project, node: SpecNode | undefined, diagnostics: Diagnostics): string {
  const given = request.projectName || project.variables.lookup('COMPOSE_PROJECT_NAME');
  const written = node?.kind === 'scalar' ? node : undefined;
  return projectName({ given, written, projectDirectory: project.directory }, diagnostics);
}
